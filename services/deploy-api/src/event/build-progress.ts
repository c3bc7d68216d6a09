import { anyBuildProgressSubject, buildProgressSchema, type BuildProgress } from '@l3af/contracts';
import { Injectable } from '@nestjs/common';
import { BusConnection } from '../bus/bus-connection';

type Listener = (line: BuildProgress) => void;

interface Told {
  lines: BuildProgress[];
  sizeBytes: number;
  listeners: Set<Listener>;
}

/** Of one build; what is beyond it is only told to those who watch. The whole is in the build's log. */
const linesBytesMax = 128 * 1024;
/** The builds heard of last; older ones are forgotten. */
const buildsMax = 128;

/**
 * What builders have said so far, of the builds heard of last: whoever begins to watch after the build did, as
 * everybody does who asks for one and then watches it, is told its first lines, too. Kept in memory: this
 * process hears from its start on.
 */
@Injectable()
export class BuildProgressLog {
  private readonly builds = new Map<string, Told>();

  constructor(connection: BusConnection) {
    void connection.connected().then((bus) =>
      bus?.subscribeLive(anyBuildProgressSubject, ({ data }) => {
        const line = buildProgressSchema.safeParse(data).data;
        if (line) this.hear(line);
      }),
    );
  }

  /** Tells all lines of a build, first those that were said already. Returns what ends it. */
  listen(build: string, listener: Listener): () => void {
    const told = this.of(build);
    told.lines.forEach(listener);
    told.listeners.add(listener);
    return () => void told.listeners.delete(listener);
  }

  private hear(line: BuildProgress): void {
    const told = this.of(line.build);
    told.sizeBytes += line.message.length;
    if (told.sizeBytes <= linesBytesMax) told.lines.push(line);
    for (const listener of told.listeners) listener(line);
  }

  private of(build: string): Told {
    const told = this.builds.get(build) ?? { lines: [], sizeBytes: 0, listeners: new Set() };
    // The last one is the one heard of last.
    this.builds.delete(build);
    this.builds.set(build, told);
    for (const [id, { listeners }] of this.builds) {
      if (this.builds.size <= buildsMax) break;
      if (listeners.size === 0 && id !== build) this.builds.delete(id);
    }
    return told;
  }
}
