import {
  acceptedSchema,
  buildAcceptedSchema,
  buildViewSchema,
  chainDocumentSchema,
  chainHistoryEntrySchema,
  chainViewSchema,
  configValueSchema,
  desiredKfSchema,
  explanationSchema,
  kfDocumentSchema,
  liveExplanationSchema,
  nodeViewSchema,
  objectSchemaSchema,
  packageDetailsSchema,
  packageUseSchema,
  packageVersionViewSchema,
  packageViewSchema,
  statusViewSchema,
  verificationAcceptedSchema,
  yankedSchema,
  structFieldSchema,
  valueTypeSchema,
  wireErrorSchema,
} from '@l3af/contracts';
import { z } from 'zod';
import { problemSchema } from '../http/problem';

/** The schemas that have a name in the OpenAPI document; all others are written out where they are used. */
const named: Record<string, z.ZodType> = {
  Accepted: acceptedSchema,
  Build: buildViewSchema,
  BuildAccepted: buildAcceptedSchema,
  Chain: chainViewSchema,
  ChainDocument: chainDocumentSchema,
  ChainHistoryEntry: chainHistoryEntrySchema,
  ConfigValue: configValueSchema,
  DesiredKf: desiredKfSchema,
  Error: wireErrorSchema,
  Explanation: explanationSchema,
  Kf: kfDocumentSchema,
  LiveExplanation: liveExplanationSchema,
  Node: nodeViewSchema,
  ObjectSchema: objectSchemaSchema,
  Package: packageViewSchema,
  PackageDetails: packageDetailsSchema,
  PackageUse: packageUseSchema,
  PackageVersion: packageVersionViewSchema,
  Problem: problemSchema,
  Status: statusViewSchema,
  StructField: structFieldSchema,
  ValueType: valueTypeSchema,
  VerificationAccepted: verificationAcceptedSchema,
  Yanked: yankedSchema,
};

type Json = Record<string, unknown>;

/**
 * Turns schemas into the `components` of an OpenAPI 3.1 document (whose schema language is JSON Schema 2020-12):
 * the named ones, and any others under the keys given. References between them are resolved.
 */
export function componentsOf(others: Record<string, z.ZodType>): Record<string, Json> {
  const registry = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries({ ...named, ...others })) {
    if (!registry.has(schema)) registry.add(schema, { id });
  }
  const { schemas } = z.toJSONSchema(registry, {
    // What a caller may leave out, a document may leave out.
    io: 'input',
    unrepresentable: 'any',
    uri: (id) => `#/components/schemas/${id}`,
  });
  return Object.fromEntries(
    Object.entries(schemas).map(([id, schema]) => {
      const fields = Object.entries(schema as Json).filter(
        ([field]) => field !== '$schema' && field !== '$id',
      );
      return [id, Object.fromEntries(fields)];
    }),
  );
}

/** The name of a named schema. */
export function nameOf(schema: z.ZodType): string | undefined {
  return Object.entries(named).find(([, candidate]) => candidate === schema)?.[0];
}
