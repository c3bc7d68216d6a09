import type { ConfigValue } from '@l3af/contracts';

/** `google.protobuf.Value` and `Struct` as proto-loader gives and takes them. */
export interface ProtoValue {
  kind?: string;
  nullValue?: string | number;
  numberValue?: number;
  stringValue?: string;
  boolValue?: boolean;
  structValue?: ProtoStruct;
  listValue?: { values?: ProtoValue[] };
}
export interface ProtoStruct {
  fields?: Record<string, ProtoValue>;
}

export function fromValue(value: ProtoValue): ConfigValue {
  if (value.stringValue !== undefined) return value.stringValue;
  if (value.numberValue !== undefined) return value.numberValue;
  if (value.boolValue !== undefined) return value.boolValue;
  if (value.structValue) return fromFields(value.structValue.fields);
  if (value.listValue) return (value.listValue.values ?? []).map(fromValue);
  return null;
}

export function fromFields(fields: Record<string, ProtoValue> = {}): Record<string, ConfigValue> {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, fromValue(value)]));
}

/** Anything that JSON can say. */
export function toValue(value: unknown): ProtoValue {
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'number') return { numberValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  if (Array.isArray(value)) return { listValue: { values: value.map(toValue) } };
  if (value !== null && typeof value === 'object') return { structValue: toStruct(value) };
  return { nullValue: 0 };
}

export const toStruct = (value: object): ProtoStruct => ({ fields: toFields(value) });

export function toFields(value: object): Record<string, ProtoValue> {
  const entries = Object.entries(value).filter(([, field]) => field !== undefined);
  return Object.fromEntries(entries.map(([name, field]) => [name, toValue(field)]));
}

type Unset<T> = T extends null
  ? never
  : T extends (infer E)[]
    ? Unset<E>[]
    : T extends object
      ? { [K in keyof T]: Unset<T[K]> }
      : T;

/** The messages have the views' own field names; only null has no place in them, it is a field that is not set. */
export function unsetNulls<T>(value: T): Unset<T> {
  if (Array.isArray(value)) return value.map(unsetNulls) as Unset<T>;
  if (value === null || typeof value !== 'object' || value instanceof Uint8Array) return value as Unset<T>;
  const entries = Object.entries(value).filter(([, field]) => field !== null && field !== undefined);
  return Object.fromEntries(entries.map(([name, field]) => [name, unsetNulls(field)])) as Unset<T>;
}
