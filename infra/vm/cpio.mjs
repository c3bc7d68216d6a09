// Writes initramfs archives (cpio, "newc" format), which the kernel unpacks into its root file system. Several may follow each
// other in one file, so the large part that never changes is written once.
import {
  closeSync,
  lstatSync,
  openSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

const pad = (length) => Buffer.alloc((4 - (length % 4)) % 4);
const hex = (value) => value.toString(16).padStart(8, '0');

function header(number, { mode, size, name }) {
  const fields = [number, mode, 0, 0, 1, 0, size, 0, 0, 0, 0, Buffer.byteLength(name) + 1, 0];
  const head = Buffer.from(`070701${fields.map(hex).join('')}${name}\0`);
  return Buffer.concat([head, pad(head.length)]);
}

/** An archive being written. Parents of what is added are added, too; what was added before is left out. */
export function createArchive(path) {
  const file = openSync(path, 'w');
  const seen = new Set();
  let number = 1;

  function write(name, mode, content = Buffer.alloc(0)) {
    writeSync(file, header(number++, { mode, size: content.length, name }));
    for (let at = 0; at < content.length;) at += writeSync(file, content, at);
    writeSync(file, pad(content.length));
  }

  function addFolder(name) {
    if (name === '.' || name === '' || seen.has(name)) return;
    addFolder(dirname(name));
    seen.add(name);
    write(name, 0o040755);
  }

  const inside = (target) => target.replace(/^\/+/, '');

  const archive = {
    folder: (target) => addFolder(inside(target)),
    text(target, content, mode = 0o100755) {
      const name = inside(target);
      if (seen.has(name)) return;
      addFolder(dirname(name));
      seen.add(name);
      write(name, mode, Buffer.from(content));
    },
    link(target, to) {
      const name = inside(target);
      if (seen.has(name)) return;
      addFolder(dirname(name));
      seen.add(name);
      write(name, 0o120777, Buffer.from(to));
    },
    /** One file of this machine, links followed. */
    file(target, source) {
      const real = realpathSync(source);
      archive.text(target, readFileSync(real), 0o100000 | (lstatSync(real).mode & 0o777));
    },
    /** A whole folder; links stay links. `keep` says which paths below it to take. */
    tree(target, source, keep = () => true) {
      addFolder(inside(target));
      for (const entry of readdirSync(source, { withFileTypes: true })) {
        const from = join(source, entry.name);
        const to = join(target, entry.name);
        if (!keep(from)) continue;
        if (entry.isDirectory()) archive.tree(to, from, keep);
        else if (entry.isSymbolicLink()) archive.link(to, readlinkSync(from));
        else if (entry.isFile()) archive.file(to, from);
      }
    },
    close() {
      write('TRAILER!!!', 0);
      writeSync(file, Buffer.alloc(512));
      closeSync(file);
    },
  };
  return archive;
}
