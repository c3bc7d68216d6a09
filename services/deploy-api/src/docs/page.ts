import { describeError, errorCodes } from '@l3af/contracts';
import type { Operation } from './operation';

const escape = (text: string): string =>
  text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/"/g, '&quot;');

/** Backquoted words of our prose as code. */
const prose = (text: string): string => escape(text).replace(/`([^`]+)`/g, '<code>$1</code>');

const style = `
:root { color-scheme: light dark; --line: color-mix(in srgb, currentColor 20%, transparent); }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 64rem; margin: 2rem auto; padding: 0 1rem; }
h2 { margin-top: 2.5rem; text-transform: capitalize; border-bottom: 1px solid var(--line); }
section { padding: .6rem 0; border-bottom: 1px solid var(--line); }
section h3 { margin: 0; font: 600 1rem ui-monospace, monospace; overflow-wrap: anywhere; }
section p { margin: .2rem 0; } .method { display: inline-block; min-width: 4.5rem; }
code, pre { font-family: ui-monospace, monospace; font-size: .9em; }
pre { overflow-x: auto; padding: .6rem; border: 1px solid var(--line); }
small { opacity: .75; } table { border-collapse: collapse; } td, th { padding: .2rem .8rem .2rem 0; text-align: left; vertical-align: top; }
`;

const example = `curl -X PUT http://127.0.0.1:8400/v1/nodes/demo-1/chains/l3af0/xdp \\
  -H 'content-type: application/yaml' -H 'x-l3af-actor: ann' --data-binary @chain.yaml
curl http://127.0.0.1:8400/v1/nodes/demo-1/chains/l3af0/xdp
curl -N http://127.0.0.1:8400/v1/events`;

/** The page to read the API: nothing but HTML, made from the same operations as the OpenAPI document. */
export function docsPage(operations: Operation[]): string {
  const tags = [...new Set(operations.map(({ tag }) => tag))];
  const chapters = tags.map((tag) => {
    const own = operations.filter((operation) => operation.tag === tag);
    return `<h2 id="${tag}">${tag}</h2>${own.map(section).join('')}`;
  });
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>L3AF deploy API</title><style>${style}</style></head><body>
<h1>L3AF deploy API</h1>
<p>${prose('Machine-readable: ')}<a href="/openapi.json">/openapi.json</a> (OpenAPI 3.1). ${prose(
    'Bodies are JSON or YAML. Changes answer 202 with `revision`, `sequence` and `watch`; `x-l3af-actor` and `x-l3af-reason` go into the history; `If-Match: "7"` changes only what still is at revision 7. Errors are problem details with a stable `code`.',
  )} The same commands are served over gRPC, with reflection.</p>
<pre>${escape(example)}</pre>
<p>${tags.map((tag) => `<a href="#${tag}">${tag}</a>`).join(' · ')} · <a href="#errors">errors</a></p>
${chapters.join('\n')}
<h2 id="errors">errors</h2>
<table><tr><th>code</th><th>status</th><th>what to do</th></tr>${errorCodes.map(errorRow).join('')}</table>
</body></html>
`;
}

function section({ method, path, summary, description, query, errors }: Operation): string {
  const parameters = query ? Object.keys(query.shape) : [];
  return `<section><h3><span class="method">${method.toUpperCase()}</span> ${escape(path)}</h3>
<p>${prose(summary)}${description === undefined ? '' : `. ${prose(description)}`}</p>
${parameters.length > 0 ? `<p><small>query: ${parameters.map((name) => `<code>${name}</code>`).join(', ')}</small></p>` : ''}
${errors ? `<p><small>refused with ${errors.map(errorLink).join(', ')}</small></p>` : ''}</section>`;
}

const errorLink = (code: string): string => `<a href="#error-${code}"><code>${code}</code></a>`;

function errorRow(code: (typeof errorCodes)[number]): string {
  const { http, hint } = describeError(code);
  return `<tr id="error-${code}"><td><code>${code}</code></td><td>${http}</td><td>${prose(hint)}</td></tr>`;
}
