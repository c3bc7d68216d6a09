/** Rows as one JSON parameter for `jsonb_to_recordset`: a thousand rows cost one round trip and one plan. */
export const jsonRows = (rows: readonly object[]): string => storable(JSON.stringify(rows));

// What JSON can say and Postgres text cannot hold: U+0000, and halves of surrogate pairs (whole ones are not escaped
// by JSON.stringify). They are kept visible instead of poisoning a projection. An even number of backslashes before
// the escape means that it is one.
const unstorable = /(?<!\\)((?:\\\\)*)\\u(0000|d[89a-f][0-9a-f]{2})/g;

const storable = (json: string): string => json.replace(unstorable, '$1\\ufffd');
