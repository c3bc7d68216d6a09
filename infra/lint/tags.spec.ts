import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const root = join(__dirname, '../..');

interface Manifest {
  name: string;
  nx?: { tags?: string[]; targets?: Record<string, unknown> };
}

const projects = ['libs', 'services'].flatMap((group) =>
  readdirSync(join(root, group))
    .map((name) => join(root, group, name, 'package.json'))
    .filter((path) => existsSync(path))
    .map((path) => JSON.parse(readFileSync(path, 'utf8')) as Manifest),
);

describe('every project', () => {
  it.each(projects)('$name has exactly one type: tag and is linted', ({ nx }) => {
    expect(nx?.tags?.filter((tag) => tag.startsWith('type:'))).toHaveLength(1);
    expect(nx?.targets).toHaveProperty('lint');
  });

  it('a service has exactly one scope: tag', () => {
    const services = projects.filter(({ nx }) => nx?.tags?.includes('type:service'));
    for (const { name, nx } of services) {
      expect([name, nx?.tags?.filter((tag) => tag.startsWith('scope:')).length]).toEqual([name, 1]);
    }
  });
});
