import type { z } from 'zod';

/** One route as the OpenAPI document tells it. Schemas are the very ones that requests are checked with. */
export interface Operation {
  method: 'get' | 'put' | 'post' | 'patch' | 'delete';
  /** As OpenAPI writes it: `/v1/nodes/{node}`. */
  path: string;
  summary: string;
  description?: string;
  tag: 'chains' | 'nodes' | 'packages' | 'builds' | 'events' | 'health';
  query?: z.ZodObject;
  /** A JSON or YAML body, and other content types with what they are. */
  body?: { schema?: z.ZodType; other?: Record<string, string> };
  /** The answer; a string is the content type of one that is not JSON. */
  answer: z.ZodType | string;
  status?: number;
  /** What can be refused, besides what can be everywhere. */
  errors?: string[];
  /** Takes `If-Match` and the headers that tell who changes and why. */
  change?: boolean;
}
