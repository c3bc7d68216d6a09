import { encodeValue } from '@l3af/bpf-object';
import {
  cannot,
  L3afError,
  type MapMigrationDocument,
  type MapSchema,
  type StructField,
  type ValueType,
} from '@l3af/contracts';
import type { FieldMove, MapMigration } from '@l3af/kernel';

export interface MigrationRequest {
  kf: string;
  from: MapSchema;
  to: MapSchema;
  document: MapMigrationDocument;
}

/**
 * Works out, from the BTF of both versions, how a map's entries go over: fields are matched by name (or as renamed),
 * integers may widen, new fields start with their default. What would lose a value is refused with `state-mismatch`.
 */
export function planMigration(request: MigrationRequest): MapMigration {
  const { from, to, document } = request;
  return {
    map: to.name,
    from: from.name,
    key: moves(request, typeOf(request, from, 'key'), typeOf(request, to, 'key')),
    value: moves(request, typeOf(request, from, 'value'), typeOf(request, to, 'value')),
    defaults: defaults(request, typeOf(request, to, 'value'), document.defaults),
  };
}

function refusal({ kf, to }: MigrationRequest, state: string): L3afError {
  return new L3afError('state-mismatch', cannot('migrate', 'map', `${kf}/${to.name}`, state), {
    details: { kf, map: to.name },
    hint: 'Rename fields, give defaults for new ones, or say `state: fresh`',
  });
}

function typeOf(request: MigrationRequest, map: MapSchema, part: 'key' | 'value'): ValueType {
  const type = map[part];
  if (type) return type;
  throw refusal(request, `the ${part} of ${map.name} has no BTF, needs a version that was built with -g`);
}

/** A value that is no struct is one field without a name. */
const fieldsOf = (type: ValueType): StructField[] =>
  type.kind === 'struct' ? type.fields : [{ name: '', offset: 0, type }];

function moves(request: MigrationRequest, from: ValueType, to: ValueType): FieldMove[] {
  const old = new Map(fieldsOf(from).map((field) => [field.name, field]));
  return fieldsOf(to).flatMap((field) => {
    const source = old.get(request.document.rename[field.name] ?? field.name);
    return source ? [move(request, source, field)] : [];
  });
}

function move(request: MigrationRequest, from: StructField, to: StructField): FieldMove {
  const integers = from.type.kind === 'int' && to.type.kind === 'int';
  const sameShape = from.type.kind === to.type.kind && from.type.bytes === to.type.bytes;
  const shown = to.name || 'the value';
  if (from.bits ?? to.bits) throw refusal(request, `${shown} is a bit field, which cannot be carried over`);
  if (to.type.bytes < from.type.bytes)
    throw refusal(
      request,
      `${shown} has ${to.type.bytes} bytes and had ${from.type.bytes}, needs at least as many`,
    );
  if (!integers && !sameShape)
    throw refusal(
      request,
      `${shown} was ${from.type.kind} of ${from.type.bytes} bytes and is ${to.type.kind} of ${to.type.bytes}`,
    );
  const signed = from.type.kind === 'int' && from.type.signed;
  return {
    fromOffset: from.offset,
    fromBytes: from.type.bytes,
    toOffset: to.offset,
    toBytes: to.type.bytes,
    ...(signed && { signed }),
  };
}

function defaults(
  request: MigrationRequest,
  type: ValueType,
  values: MapMigrationDocument['defaults'],
): Uint8Array {
  const bytes = new Uint8Array(request.to.valueBytes);
  const fields = fieldsOf(type);
  for (const [name, value] of Object.entries(values)) {
    const field = fields.find((one) => one.name === name);
    if (!field) throw refusal(request, `the new value has no field ${name} to give a default to`);
    bytes.set(
      encodeValue(field.type, value, { path: `migrate.${request.to.name}.defaults.${name}` }),
      field.offset,
    );
  }
  return bytes;
}
