import { deriveSchema } from '@l3af/bpf-object';
import {
  imageLabels,
  L3afError,
  objectSchemaSchema,
  type ObjectSchema,
  type PackageVersionView,
} from '@l3af/contracts';
import { RegistryClient } from '@l3af/oci';
import { Injectable } from '@nestjs/common';

const keptMax = 200;

/**
 * What is inside a package. Events leave large schemas out, and images of others have none: those are read from the
 * image itself, and kept, since a digest's content never changes.
 */
@Injectable()
export class PackageSchemas {
  private readonly kept = new Map<string, ObjectSchema>();

  constructor(private readonly registry: RegistryClient) {}

  /** Throws `registry-unavailable`, or `invalid-object` and `invalid-image` for what could not be loaded either. */
  async of(version: PackageVersionView): Promise<ObjectSchema> {
    if (version.schema) return version.schema;
    const known = this.kept.get(version.digest);
    if (known) return known;
    const schema = await this.read(version);
    const [oldest] = this.kept.keys();
    if (this.kept.size >= keptMax && oldest !== undefined) this.kept.delete(oldest);
    this.kept.set(version.digest, schema);
    return schema;
  }

  private async read({ name, digest, architectures }: PackageVersionView): Promise<ObjectSchema> {
    try {
      const { object, labels } = await this.registry.pullObject(name, digest, architectures[0] ?? 'amd64');
      return labelled(labels[imageLabels.schema]) ?? deriveSchema(object);
    } catch (error) {
      if (!(error instanceof L3afError)) throw error;
      throw new L3afError(
        error.code,
        `Cannot look into package "${name}@${digest}": its image cannot be read`,
        {
          cause: error,
          hint: error.hint,
        },
      );
    }
  }
}

function labelled(text: string | undefined): ObjectSchema | undefined {
  if (text === undefined) return undefined;
  try {
    return objectSchemaSchema.safeParse(JSON.parse(text)).data;
  } catch {
    // A label that is no JSON is no schema; the object says it all again.
    return undefined;
  }
}
