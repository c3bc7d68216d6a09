// Brings the goldens up to the contracts: adds error codes that are new. What is in a golden stays for ever, so a
// code that is gone or means something else is an error here and not a change of the golden.
import { readFileSync, writeFileSync } from 'node:fs';

const path = new URL('./error-codes.json', import.meta.url);
const read = (url) => {
  try {
    return JSON.parse(readFileSync(url, 'utf8'));
  } catch (error) {
    if (error.code === 'ENOENT') return {};
    throw error;
  }
};
const golden = read(path);
const catalogue = read(new URL('../src/errors.json', import.meta.url));
for (const [code, { http, grpc }] of Object.entries(golden)) {
  const now = catalogue[code];
  if (!now || now.http !== http || now.grpc !== grpc) {
    console.error(`error code "${code}" was published as ${http} ${grpc} and must stay so`);
    process.exitCode = 1;
  }
}
for (const [code, { http, grpc }] of Object.entries(catalogue)) golden[code] ??= { http, grpc };
writeFileSync(path, `${JSON.stringify(golden, null, 2)}\n`);
