import { describeError, type ErrorCode } from '@l3af/contracts';

/** `docs/errors.md`: every code of the catalogue under a heading that can be linked to. */
export function errorsPage(codes: readonly ErrorCode[]): string {
  const entries = codes.map((code) => {
    const { http, grpc, hint } = describeError(code);
    return `### ${code}\n\nHTTP ${http}, gRPC ${grpc}. ${hint}.\n`;
  });
  return `${head}\n${entries.join('\n')}`;
}

const head = `# Errors

Every refusal and failure has a stable code. Codes are never renamed or reused; scripts may rely on them. Generated from \`libs/contracts/src/errors.json\` by \`npm run golden\`.

- **REST** answers with problem details (RFC 9457): \`code\`, \`detail\` (the message), \`hint\`, \`causes\` (outermost first), \`details\` (machine-readable particulars) and \`correlationId\`, which finds the request in the logs.
- **gRPC** answers with the status below; the code is in the details.
- **The CLI** prints message, causes, particulars and hint on stderr, and exits with 1 (with 2 for wrong usage).
- **Reports** of nodes carry the same codes; \`npx l3af chain show\` prints them.

## Codes
`;
