import { DistributionError } from '../distribution-error';
import type { Registry } from '../registry';
import type { Exchange } from './exchange';

const pageMax = 10_000;

/** Cuts a sorted list as `n` and `last` ask; `more` when something is left. */
function page(all: string[], exchange: Exchange): { shown: string[]; more: boolean } {
  const last = exchange.query('last');
  const asked = exchange.query('n');
  if (asked !== undefined && !/^\d{1,9}$/.test(asked))
    throw new DistributionError('UNSUPPORTED', 'n is a number of entries');
  const rest = last === undefined ? all : all.filter((name) => name > last);
  const shown = rest.slice(0, Math.min(Number(asked ?? pageMax), pageMax));
  return { shown, more: shown.length > 0 && shown.length < rest.length };
}

const nextLink = (path: string, shown: string[]): Record<string, string> => ({
  link: `<${path}?n=${shown.length}&last=${encodeURIComponent(shown.at(-1)!)}>; rel="next"`,
});

/** The tags of a repository in ASCII order. */
export async function handleTags(registry: Registry, repository: string, exchange: Exchange): Promise<void> {
  if (exchange.method !== 'GET') throw new DistributionError('UNSUPPORTED', 'tags are listed with GET');
  const tags = (await registry.tags.list(repository)).map(([tag]) => tag);
  if (tags.length === 0 && !(await registry.knows(repository)))
    throw new DistributionError('NAME_UNKNOWN', `there is no repository ${repository}`);
  const { shown, more } = page(tags, exchange);
  const headers = more ? nextLink(`/v2/${repository}/tags/list`, shown) : {};
  exchange.json(200, { name: repository, tags: shown }, headers);
}

/** The names of all repositories that have a tag. */
export async function handleCatalog(registry: Registry, exchange: Exchange): Promise<void> {
  if (exchange.method !== 'GET') throw new DistributionError('UNSUPPORTED', 'the catalogue is read with GET');
  const { shown, more } = page((await registry.tags.repositories()).sort(), exchange);
  exchange.json(200, { repositories: shown }, more ? nextLink('/v2/_catalog', shown) : {});
}
