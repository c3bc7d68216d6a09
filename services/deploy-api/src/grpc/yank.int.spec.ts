import { credentials, loadPackageDefinition, Metadata, status, type ServiceError } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { packageSubject } from '@l3af/contracts';
import { buildImage, RegistryClient } from '@l3af/oci';
import { waitFor } from '@l3af/testing';
import { pathOf } from '../testing/chain-of';
import { useControlPlane } from '../testing/use-control-plane';
import { GrpcServer } from './grpc-server';

const plane = useControlPlane({ registry: true });

type Message = Record<string, unknown>;
type Unary = (
  request: Message,
  metadata: Metadata,
  done: (error: ServiceError | null, reply: Message) => void,
) => void;
interface PackageService {
  yankPackageVersion: Unary;
  getPackage: Unary;
  close(): void;
}
type PackageServiceConstructor = new (
  address: string,
  channel: ReturnType<typeof credentials.createInsecure>,
) => PackageService;

let packages: PackageService;
beforeAll(() => {
  const files = loadSync(['l3af/v1/build.proto'], {
    ...{ includeDirs: [GrpcServer.protoDir], longs: Number, enums: String, defaults: true },
  });
  const { l3af } = loadPackageDefinition(files) as unknown as {
    l3af: { v1: { PackageService: PackageServiceConstructor } };
  };
  packages = new l3af.v1.PackageService(plane.grpc, credentials.createInsecure());
});
afterAll(() => packages.close());

const call = (method: 'yankPackageVersion' | 'getPackage', request: Message): Promise<Message> => {
  const metadata = new Metadata();
  metadata.set('x-l3af-actor', 'ann');
  return new Promise((resolve, reject) => {
    packages[method](request, metadata, (error, reply) => (error ? reject(error) : resolve(reply)));
  });
};

test('a yank is stored with its author, names who runs the version, and keeps new deployments out', async () => {
  const image = buildImage({
    objects: [{ architecture: 'amd64', bytes: Buffer.from('\x7fELF gate', 'latin1') }],
    schema: { programs: [{ name: 'gate', section: 'xdp', type: 'xdp' }], maps: [], constants: [] },
  });
  await new RegistryClient(plane.registryUrl).push(image, 'team/gate', ['1.0.0']);
  await waitFor(() => plane.bus.store.last(packageSubject('team/gate')), 'the package to be told');
  const insert = (interfaceName: string) =>
    plane
      .api()
      .post(`${pathOf(interfaceName)}/kfs`)
      .send({ kf: { package: 'team/gate@1.0.0', name: 'front' } });
  await insert('eth0').expect(202);
  const running = async () =>
    (await plane.api().get('/v1/packages/team%2Fgate/versions/1.0.0').expect(200)).body as {
      usedBy: unknown[];
    };
  await waitFor(async () => (await running()).usedBy.length === 1, 'the chain to be projected');

  const yank = { name: 'team/gate', version: '1.0.0', reason: 'lets all pass' };
  const yanked = await call('yankPackageVersion', yank);
  expect(yanked).toMatchObject({
    ...{ name: 'team/gate', version: '1.0.0' },
    usedBy: [{ node: 'demo-1', interface: 'eth0', hook: 'xdp', kf: 'front' }],
  });
  const stored = await plane.bus.store.last(packageSubject('team/gate'));
  expect(stored).toMatchObject({
    sequence: yanked['sequence'],
    envelope: { actor: 'ann' },
    events: [{ type: 'PackageYanked', data: { digest: image.digest, reason: 'lets all pass' } }],
  });
  await waitFor(async () => {
    const { versions } = (await call('getPackage', { name: 'team/gate' })) as { versions: Message[] };
    return versions[0]?.['yanked'] === 'lets all pass';
  }, 'the yank to be projected');
  await insert('eth1').expect(422, /it is yanked: lets all pass/);
  await expect(call('yankPackageVersion', { ...yank, version: '9' })).rejects.toMatchObject({
    code: status.NOT_FOUND,
  });
});
