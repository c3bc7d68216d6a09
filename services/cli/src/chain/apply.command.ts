import { chainKeyText, type Accepted, type ChainDocumentInput, type ChainKey } from '@l3af/contracts';
import type { Command } from 'commander';
import type { Session } from '../session';
import type { Surroundings } from '../surroundings';
import { action } from '../usage';
import {
  changeText,
  requestChange,
  sendChange,
  settleChange,
  withChangeOptions,
  withTargetOptions,
  type ChangeOptions,
} from './change';
import { parseChainDocuments, readInput } from './documents';

interface ApplyOptions extends ChangeOptions {
  file: string;
}

/** `l3af apply -f FILE`: every document is checked before the first is stored; then all are waited for together. */
export function addApplyCommand(program: Command, surroundings: Surroundings): void {
  const apply = program
    .command('apply')
    .description('make chains as documents say; several in one file are separated by ---')
    .requiredOption('-f, --file <file>', 'YAML or JSON; - is stdin');
  action<ApplyOptions>(
    withTargetOptions(withChangeOptions(apply)),
    surroundings,
    async (session, options) => {
      const text = await readInput(options.file, surroundings.stdin);
      const documents = parseChainDocuments(text, options.file === '-' ? 'stdin' : options.file);
      // One that cannot be applied must not leave those before it applied.
      if (documents.length > 1 && !options.dryRun) await checkAll(session, documents, options);
      const stored = await storeAll(session, documents, options);
      const settled = await Promise.allSettled(stored.map((one) => settleChange(session, one, options)));
      const refused = settled.find((one) => one.status === 'rejected');
      if (refused) throw refused.reason;
      const results = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
      session.print.result(results, () => changeText(results));
    },
  );
}

const keyOf = ({ node, interface: name, hook }: ChainDocumentInput): ChainKey => ({
  node,
  interface: name,
  hook,
});

/** Lets the API decide every document without storing it; the first refusal is thrown. */
async function checkAll(
  session: Session,
  documents: ChainDocumentInput[],
  options: ChangeOptions,
): Promise<void> {
  for (const document of documents) {
    const change = { key: keyOf(document), request: { method: 'PUT' as const, body: document } };
    await sendChange(session, change, { ...options, dryRun: true });
  }
}

async function storeAll(
  session: Session,
  documents: ChainDocumentInput[],
  options: ChangeOptions,
): Promise<{ key: ChainKey; accepted: Accepted }[]> {
  const stored: { key: ChainKey; accepted: Accepted }[] = [];
  for (const document of documents) {
    const key = keyOf(document);
    try {
      const accepted = await requestChange(
        session,
        { key, request: { method: 'PUT', body: document } },
        options,
      );
      stored.push({ key, accepted });
    } catch (error) {
      noteUnstored(session, documents.slice(stored.length), stored.length);
      throw error;
    }
  }
  return stored;
}

function noteUnstored(session: Session, rest: ChainDocumentInput[], storedCount: number): void {
  if (storedCount === 0) return;
  const names = rest.map((document) => chainKeyText(document)).join(', ');
  session.print.note(`stored ${storedCount} of ${storedCount + rest.length} documents; not stored: ${names}`);
}
