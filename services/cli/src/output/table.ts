import Table from 'cli-table3';

const noLines = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '  ',
};
const gap = 2;
const narrowest = 16;

export interface Column {
  head: string;
  align?: 'left' | 'right';
  /** Wraps when the table would be wider than its room; one column of a table may. */
  flexible?: boolean;
}

/** Renders rows under headings (if there are any), without lines and without blanks at the ends; `width` in columns of text. */
export function renderTable(columns: Column[], rows: string[][], width: number): string {
  const natural = columns.map((column, at) =>
    Math.max(column.head.length, ...rows.map((row) => longestLine(row[at] ?? ''))),
  );
  const total = natural.reduce((sum, cells) => sum + cells, gap * (columns.length - 1));
  const flexible = columns.findIndex((column) => column.flexible);
  if (flexible >= 0 && total > width) {
    natural[flexible] = Math.max(narrowest, natural[flexible]! - (total - width));
  }
  const table = new Table({
    chars: noLines,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
    head: columns.some((column) => column.head !== '') ? columns.map((column) => column.head) : [],
    colAligns: columns.map((column) => column.align ?? 'left'),
    colWidths: natural,
    wordWrap: true,
    wrapOnWordBoundary: true,
  });
  table.push(...rows);
  const lines = table.toString().split('\n');
  return lines.map((line) => line.trimEnd()).join('\n');
}

const longestLine = (text: string): number =>
  Math.max(...text.split('\n').map((line) => visible(line).length));

const visible = (text: string): string => text.replace(/\u001b\[[0-9;]*m/g, '');
