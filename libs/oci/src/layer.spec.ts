import { gunzipSync, gzipSync } from 'node:zlib';
import { gzipStored, objectOfLayer, tarOf } from './layer';
import { sizeLimits } from './media-types';

const elf = Buffer.from('\x7fELFobject', 'latin1');

describe('gzipStored()', () => {
  it.each([0, 1, 65_534, 65_535, 65_536, 200_000])('is a gzip of %d bytes', (length) => {
    const bytes = Buffer.from(Uint8Array.from({ length }, (_, i) => i % 253));
    expect(gunzipSync(gzipStored(bytes)).equals(bytes)).toBe(true);
  });
});

describe('objectOfLayer()', () => {
  it('finds the object at the root, however it is named and compressed', async () => {
    for (const name of ['kf.o', './kf.o', '/bytecode.o', 'anything'])
      expect(Buffer.from(await objectOfLayer(gzipSync(tarOf(name, elf)))).equals(elf)).toBe(true);
  });

  it('refuses a layer without an object, with two, or with one further down', async () => {
    const two = Buffer.concat([tarOf('a.o', elf).subarray(0, 1024), tarOf('b.o', elf)]);
    for (const tar of [tarOf('readme', Buffer.from('text')), two, tarOf('lib/kf.o', elf)])
      await expect(objectOfLayer(gzipStored(tar))).rejects.toMatchObject({ code: 'invalid-image' });
  });

  it('refuses garbage and any truncation', async () => {
    const layer = Buffer.from(gzipStored(tarOf('kf.o', elf)));
    await expect(objectOfLayer(Buffer.from('garbage'))).rejects.toMatchObject({ code: 'invalid-image' });
    for (const length of [0, 5, 20, 300, 600, layer.length - 1500, layer.length - 1])
      await expect(objectOfLayer(layer.subarray(0, length))).rejects.toMatchObject({ code: 'invalid-image' });
  });

  it('refuses an archive that ends inside a file', async () => {
    const tar = tarOf('kf.o', Buffer.concat([elf, Buffer.alloc(10_000)]));
    await expect(objectOfLayer(gzipStored(tar.subarray(0, 2000)))).rejects.toMatchObject({
      code: 'invalid-image',
    });
  });

  it('stops unpacking at the limit', async () => {
    const bomb = gzipSync(tarOf('kf.o', Buffer.concat([elf, Buffer.alloc(sizeLimits.object + 128 * 1024)])));
    expect(bomb.length).toBeLessThan(100_000);
    await expect(objectOfLayer(bomb)).rejects.toMatchObject({ code: 'payload-too-large' });
  });
});
