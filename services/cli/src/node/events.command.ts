import { envelopeSchema } from '@l3af/contracts';
import { Option, type Command } from 'commander';
import { z } from 'zod';
import type { ServerEvent } from '../api/server-events';
import { moment } from '../output/words';
import type { CommonOptions, Session } from '../session';
import type { Surroundings } from '../surroundings';
import { action, wholeNumber } from '../usage';
import { summaryOf } from './event-summary';

const messageSchema = z.object({ sequence: z.number().int(), subject: z.string(), envelope: envelopeSchema });
type Message = z.infer<typeof messageSchema>;

interface EventsOptions extends CommonOptions {
  follow?: boolean;
  from?: number;
  last?: number;
  subject?: string;
}

/** `l3af events`: what happened, in the one order that the fleet has. */
export function addEventsCommand(program: Command, surroundings: Surroundings): void {
  const events = program
    .command('events')
    .description('list everything that happened; with --follow, go on as it happens')
    .option('--follow', 'go on as it happens; with --last 0, only that')
    .addOption(new Option('--from <sequence>', 'the first to print').argParser(wholeNumber))
    .addOption(new Option('--last <n>', 'only the last n').argParser(wholeNumber).conflicts('from'))
    .option('--subject <pattern>', 'only these, as in l3af.evt.chain.demo-1.>');
  action<EventsOptions>(events, surroundings, (session, options) =>
    options.follow ? follow(session, options) : list(session, options),
  );
}

async function list({ api, print }: Session, options: EventsOptions): Promise<void> {
  const messages = await stored(api, options);
  print.result(messages, () => [heading(), ...messages.map(line)].join('\n'));
}

async function stored(api: Session['api'], options: EventsOptions): Promise<Message[]> {
  let messages: Message[] = [];
  const last = options.last ?? Infinity;
  for await (const event of api.events(pathOf(options, false), { follow: false })) {
    const message = read(event);
    if (message) messages.push(message);
    if (messages.length > 2 * last) messages = messages.slice(-last);
  }
  return last === 0 ? [] : messages.slice(-last);
}

async function follow({ api, print }: Session, options: EventsOptions): Promise<void> {
  if (print.format === 'table') print.write(heading());
  const show = (message: Message) => print.item(message, () => line(message));
  let { from } = options;
  if (options.last !== undefined) {
    // One more than is shown, so that with `--last 0` too it is known where to go on.
    const messages = await stored(api, { ...options, last: options.last + 1 });
    messages.slice(messages.length > options.last ? 1 : 0).forEach(show);
    from = (messages.at(-1)?.sequence ?? 0) + 1;
  }
  const path = pathOf({ ...options, ...(from !== undefined && { from }) }, true);
  for await (const event of api.events(path)) {
    const message = read(event);
    if (message) show(message);
  }
}

function pathOf(options: EventsOptions, following: boolean): string {
  const query = new URLSearchParams({ follow: String(following) });
  if (options.from !== undefined) query.set('from', String(options.from));
  if (options.subject !== undefined) query.set('subject', options.subject);
  return `/v1/events?${query.toString()}`;
}

/** Undefined for what is not an event of the stream, such as live progress. */
function read(event: ServerEvent): Message | undefined {
  try {
    return messageSchema.safeParse(JSON.parse(event.data)).data;
  } catch {
    return undefined;
  }
}

const heading = (): string => columns(['SEQUENCE', 'AT', 'ACTOR', 'EVENT']);

function line({ sequence, envelope }: Message): string {
  const what = envelope.events.map((event) => `${event.type} ${summaryOf(event)}`.trim()).join('; ');
  return columns([String(sequence), moment(envelope.at), envelope.actor, what]);
}

/** Fixed columns, so that lines can be printed as they come; the last one takes what it needs. */
function columns([sequence, at, actor, what]: [string, string, string, string]): string {
  return `${sequence.padStart(8)}  ${at.padEnd(19)}  ${actor.padEnd(18)}  ${what}`;
}
