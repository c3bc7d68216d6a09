// What tidy looks for: small habits that a reader would stumble over. Each rule takes a file and returns complaints.
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

const code = (path) => /\.(ts|mjs|cjs|js|c|h)$/.test(path);
const isSpec = (path) => /\.spec\.ts$/.test(path);
const inOurCode = (path) => /^(libs|services)\/[^/]+\/(src|bin)\//.test(path);

/** Every line that matches, as `path:line: complaint`. */
function complain({ path, text }, pattern, complaint) {
  return text.split('\n').flatMap((line, index) => {
    const found = pattern.exec(line);
    return found
      ? [`${path}:${index + 1}: ${typeof complaint === 'function' ? complaint(found) : complaint}`]
      : [];
  });
}

// Written apart, so that these rules do not find themselves.
const unfinished = new RegExp(
  `\\b(${['TO' + 'DO', 'FIX' + 'ME', 'X' + 'XX'].join('|')})\\b|${'not ' + 'implemented'}`,
);

export function noUnfinished(file) {
  if (!code(file.path) || file.path.startsWith('bpf/include/vmlinux')) return [];
  return complain(file, unfinished, ([word]) => `"${word}": finish it, or file an issue`);
}

/** Calls with a better one in their place. */
const banned = [
  { pattern: /\bnew Buffer\(/, instead: 'Buffer.from or Buffer.alloc' },
  {
    pattern: /\bexecSync\(/,
    instead: 'spawnSync or execFileSync with arguments: a shell splits and expands',
  },
  { pattern: /\bexec\((['"`])/, instead: 'execFile with arguments: a shell splits and expands' },
  { pattern: /\bjest\.mock\(/, instead: 'the real thing, or a function passed in' },
  { pattern: /\b(describe|it|test)\.only\(/, instead: 'the test without .only' },
];

export function noBannedCalls(file) {
  if (!/^(libs|services)\//.test(file.path) || !code(file.path)) return [];
  return banned.flatMap(({ pattern, instead }) =>
    complain(file, pattern, ([call]) => `"${call}" is banned: use ${instead}`),
  );
}

export function noNetworkTools(file) {
  if (!inOurCode(file.path) || isSpec(file.path) || file.path.startsWith('libs/testing/')) return [];
  const pattern = /\b(?:spawn|spawnSync|execFile|execFileSync|fork)\(\s*['"`](ip|tc|bpftool|nsenter)['"`]/;
  return complain(
    file,
    pattern,
    ([, tool]) => `runs "${tool}": only infra/ and tests may; libs/kernel does it by system calls`,
  );
}

const owners = [
  { module: 'koffi', owner: 'libs/kernel/' },
  { module: 'nats', owner: 'libs/event-store/' },
];

export function noForeignDoors(file) {
  if (!/^(libs|services|infra)\//.test(file.path) || !code(file.path)) return [];
  return owners.flatMap(({ module, owner }) => {
    const isOwner =
      file.path.startsWith(owner) ||
      (isSpec(file.path) && module === 'nats') ||
      /^infra\/.*\.spec\.ts$/.test(file.path);
    if (isOwner || (module === 'nats' && file.path.startsWith('libs/testing/'))) return [];
    const pattern = new RegExp(`(?:from|require\\(|import\\()\\s*['"]${module}['"]`);
    return complain(file, pattern, `imports ${module}: only ${owner} may`);
  });
}

export function noMachinePaths(file) {
  if (!/\.(ts|mjs|cjs|js|json|ya?ml|md|c|h|sh)$/.test(file.path) || file.path === 'package-lock.json')
    return [];
  const pattern = new RegExp(`(${['/ho' + 'me/[a-z]+', '/wo' + 'rk/', '/Us' + 'ers/[a-z]+'].join('|')})`);
  return complain(file, pattern, ([path]) => `"${path}" is a path of one machine`);
}

export function noLargeFiles(file) {
  return file.bytes > 1 << 20 && file.path !== 'package-lock.json'
    ? [`${file.path}: ${(file.bytes / (1 << 20)).toFixed(1)} MiB, at most 1`]
    : [];
}

/** A lib has one barrel, src/index.ts; another index.ts in it would be a second. */
export function oneBarrel(file) {
  const found = /^libs\/([^/]+)\/src\/.+\/index\.ts$/.exec(file.path);
  return found ? [`${file.path}: a second barrel; export it from libs/${found[1]}/src/index.ts`] : [];
}

/** The anchors that a document's headings make, as a code host makes them. */
export function anchorsOf(markdown) {
  return markdown
    .split('\n')
    .filter((line) => /^#{1,6} /.test(line))
    .map((line) =>
      line
        .replace(/^#+ /, '')
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\- _]/gu, '')
        .trim()
        .replaceAll(' ', '-'),
    );
}

/** Links from one document to files that do not exist, or to headings that are not there. */
export function noDeadLinks(file, { root, read }) {
  if (!file.path.endsWith('.md')) return [];
  const prose = file.text.replace(/```[\s\S]*?```/g, (block) => block.replace(/[^\n]/g, ''));
  return prose.split('\n').flatMap((line, index) =>
    [...line.matchAll(/\]\((?!https?:|mailto:)([^)\s]+)\)/g)].flatMap(([, target]) => {
      const [path, anchor] = target.split('#');
      const place = `${file.path}:${index + 1}`;
      const linked = path ? join(dirname(file.path), decodeURIComponent(path)) : file.path;
      if (path && !existsSync(join(root, linked))) return [`${place}: dead link ${target}`];
      if (anchor && linked.endsWith('.md') && !anchorsOf(path ? read(linked) : file.text).includes(anchor))
        return [`${place}: no such heading ${target}`];
      return [];
    }),
  );
}

export const rules = [
  noUnfinished,
  noBannedCalls,
  noNetworkTools,
  noForeignDoors,
  noMachinePaths,
  noLargeFiles,
  oneBarrel,
  noDeadLinks,
];
