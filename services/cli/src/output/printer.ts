import { stringify } from 'yaml';
import type { Surroundings } from '../surroundings';
import { styleFor, widthOf, type Style } from './style';
import { renderTable, type Column } from './table';

export const outputFormats = ['table', 'json', 'yaml'] as const;
export type OutputFormat = (typeof outputFormats)[number];

/** Writes results to stdout in the asked format, and everything else to stderr. */
export class Printer {
  readonly style: Style;
  readonly noteStyle: Style;
  readonly width: number;

  constructor(
    private readonly surroundings: Surroundings,
    readonly format: OutputFormat,
  ) {
    this.style = styleFor(surroundings.stdout, surroundings.env);
    this.noteStyle = styleFor(surroundings.stderr, surroundings.env);
    this.width = widthOf(surroundings.stdout);
  }

  /** Prints `value` as JSON or YAML, or what `text` makes of it for people. */
  result(value: unknown, text: () => string): void {
    if (this.format === 'json') this.write(JSON.stringify(value, null, 2));
    else if (this.format === 'yaml') this.write(stringify(value, { lineWidth: 0 }).trimEnd());
    else this.write(text());
  }

  /** One value of an endless series: a line of JSON, a YAML document, or a line of text. */
  item(value: unknown, text: () => string): void {
    if (this.format === 'json') this.write(JSON.stringify(value));
    else if (this.format === 'yaml') this.write(`---\n${stringify(value, { lineWidth: 0 }).trimEnd()}`);
    else this.write(text());
  }

  write(text: string): void {
    if (text !== '') this.surroundings.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
  }

  note(text: string): void {
    this.surroundings.stderr.write(`${text}\n`);
  }

  /** Names with what they stand for, wrapped below each other. */
  facts(facts: readonly (readonly [string, string])[]): string {
    const rows = facts.map(([name, value]) => [`${name}:`, value]);
    return renderTable([{ head: '' }, { head: '', flexible: true }], rows, this.width);
  }

  table(columns: Column[], rows: string[][]): string {
    const heads = columns.map((column) => ({ ...column, head: column.head.toUpperCase() }));
    const lines = renderTable(heads, rows, this.width).split('\n');
    return [this.style.bold(lines[0] ?? ''), ...lines.slice(1)].join('\n');
  }
}
