import { readFileSync, readdirSync, existsSync } from 'node:fs';
import { join } from 'node:path';

/** Which project imports which, by name, from the sources (tests left out). */
export function readDependencies(root: string): Map<string, string[]> {
  const projects = ['libs', 'services'].flatMap((group) =>
    readdirSync(join(root, group))
      .map((name) => ({ name, src: join(root, group, name, 'src') }))
      .filter(({ src }) => existsSync(src)),
  );
  return new Map(
    projects.map(({ name, src }): [string, string[]] => {
      const imports = sources(src).flatMap((path) =>
        [...readFileSync(path, 'utf8').matchAll(/from '@l3af\/([a-z0-9-]+)'/g)].map((match) => match[1]!),
      );
      return [name, [...new Set(imports)].sort()];
    }),
  );
}

function sources(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter(
      (name) => name.endsWith('.ts') && !name.endsWith('.spec.ts') && !/testing\/|-fixture\.ts$/.test(name),
    )
    .map((name) => join(folder, name));
}

/** A Mermaid diagram. Everything imports contracts, so those arrows are left out. */
export function dependencyDiagram(dependencies: Map<string, string[]>): string {
  const arrows = [...dependencies].sort().flatMap(([name, imported]) => {
    const shown = imported.filter((other) => other !== 'contracts' && other !== name);
    return shown.length > 0 ? [`  ${name} --> ${shown.join(' & ')}`] : [`  ${name}`];
  });
  const lines = arrows.filter((line) => line.trim() !== 'contracts' && line.trim() !== 'testing');
  return ['```mermaid', 'flowchart LR', ...lines, '```', '', 'All of them import `contracts`.'].join('\n');
}
