// Tells the control plane whose signature counts by default: the key of this home, which its builder signs with.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The signer's name by which a later start knows its own entry again. */
const ownName = 'the builder of this home';
const answerWithinMs = 60_000;

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function ask(url, request) {
  const deadline = Date.now() + answerWithinMs;
  for (;;) {
    const response = await fetch(url, request).catch((error) => error);
    if (response.ok || response.status === 404) return response;
    const said = response instanceof Error ? response.message : `${response.status} ${await response.text()}`;
    if (Date.now() > deadline) throw new Error(`Cannot set what nodes trust: ${said}`);
    await pause(200);
  }
}

/**
 * Publishes the home's key as trusted for the group `default` when nobody has set its trust, and keeps its own
 * entry up with the key when that was replaced. What somebody else has set, or taken away, stays.
 */
export async function publishTrust(api, keys) {
  const url = `${api}/v1/trust/default`;
  const publicKey = readFileSync(join(keys, 'signing.pub'), 'utf8');
  const own = { name: ownName, publicKey, packages: ['*'] };
  const found = await ask(url, {});
  const now = found.ok ? await found.json() : undefined;
  const entry = now?.signers.find(({ name }) => name === ownName);
  if (now && (!entry || entry.publicKey === publicKey)) return;
  const { signers = [], revoked = [], identities, trustedRoots } = now ?? {};
  const others = signers.filter(({ name }) => name !== ownName);
  await ask(url, {
    method: 'PUT',
    headers: { 'content-type': 'application/json', 'x-l3af-actor': 'l3af up' },
    body: JSON.stringify({ signers: [own, ...others], revoked, identities, trustedRoots }),
  });
}
