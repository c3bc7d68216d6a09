import type { PartReference } from '../state/state';

/** A part in a document: its name within its owner, its size in bytes, its crc32. */
export type Piece = [name: string, size: number, crc32: number];

/** What content or an upload consists of, as its document says. */
export interface Pieces {
  /** Whose the parts are, and nobody else's. */
  owner?: string;
  pieces?: Piece[];
  /** Until owners came, each part was an owner of its own. Such documents are read, and no longer written. */
  parts?: PartReference[];
}

/** The parts, in order. */
export const partsOf = ({ owner, pieces, parts = [] }: Pieces): PartReference[] =>
  owner === undefined
    ? parts
    : (pieces ?? []).map(([name, size, crc32]) => ({ name: partName(owner, name), size, crc32 }));

/** Every owner whose parts these are: to delete all of them. */
export const ownersOf = ({ owner, parts = [] }: Pieces): string[] =>
  owner === undefined ? parts.map(({ name }) => name) : [owner];

/** What the state finds a part by. */
export const partName = (owner: string, piece: string): string => `${owner}/${piece}`;
