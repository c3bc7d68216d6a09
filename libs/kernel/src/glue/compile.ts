import { extensionRecords, type ExtensionTarget } from '../attach/dispatcher/extension';
import { instructionsOf, libbpf, checkCode, type BpfProgram } from '../object/libbpf';
import type { PreparedLoad } from '../object/load-options';
import { syntheticBtf } from '../object/synthetic-btf';
import type { GluePlan } from './glue';
import { shapeOf, type KfShape } from './instructions';
import { moveRecords, placeCalling, placeEpilogue, type PlacedKf } from './place';

/** What came of gluing one KF. */
export interface GlueResult {
  kind: PlacedKf['kind'];
  shape: KfShape;
}

export interface GlueInput {
  program: BpfProgram;
  load: PreparedLoad;
  plan: GluePlan;
  /** Where the chain's programs must be extensions. */
  extension?: ExtensionTarget | undefined;
}

/**
 * Puts the glue around the entry program that libbpf is about to load.
 * `want` is the preferred form; where it would be wrong the calling glue is taken.
 */
export function glueProgram(
  { program, load, plan, extension }: GlueInput,
  want: PlacedKf['kind'],
): GlueResult {
  const kf = instructionsOf(program);
  const shape = shapeOf(kf);
  const inPlace = want === 'epilogue' ? placeEpilogue(kf, shape, plan) : undefined;
  const placed = inPlace ?? placeCalling(kf, plan);
  // libbpf copies the instructions into memory of its own.
  checkCode(
    'bpf_program__set_insns',
    libbpf.setInstructions(program, placed.instructions, placed.instructions.length / 8),
  );
  const functions = load.records('functionInfo');
  if (extension) describeExtension(load, extension, { shape, placed });
  else if (functions.count > 0) {
    load.setRecords('functionInfo', moveRecords(functions, placed));
    const lines = load.records('lineInfo');
    if (lines.count > 0) load.setRecords('lineInfo', moveRecords(lines, placed));
  } else if (placed.kind === 'calling' && (shape.ownTailCalls > 0 || shape.legacyLoads)) {
    describeFunctions(load, shape, placed);
  }
  return { kind: placed.kind, shape };
}

/** The verifier wants to know that a subprogram with a tail call returns an int, so objects without BTF get some. */
function describeFunctions(load: PreparedLoad, shape: KfShape, placed: PlacedKf): void {
  const { fd, functionTypeId } = syntheticBtf();
  const starts = [0, ...[0, ...shape.subprogramStarts].map((start) => placed.moved(start))];
  const bytes = Buffer.alloc(starts.length * 8);
  starts.forEach((start, index) => {
    bytes.writeUInt32LE(start, index * 8);
    bytes.writeUInt32LE(functionTypeId, index * 8 + 4);
  });
  load.btfFd = fd;
  load.setRecords('functionInfo', { count: starts.length, recordBytes: 8, bytes });
  load.setRecords('lineInfo', { count: 0, recordBytes: 16, bytes: Buffer.alloc(0) });
}

/** The KF's own types are not the kernel's, which an extension's main function must have: the KF goes without them. */
function describeExtension(
  load: PreparedLoad,
  extension: ExtensionTarget,
  { shape, placed }: { shape: KfShape; placed: PlacedKf },
): void {
  const starts = placed.needsOwnRecord ? [0, ...shape.subprogramStarts] : shape.subprogramStarts;
  const bytes = extensionRecords(starts.map((start) => placed.moved(start)));
  load.btfFd = extension.btfFd;
  load.setTarget(extension);
  load.setRecords('functionInfo', { count: bytes.length / 8, recordBytes: 8, bytes });
  load.setRecords('lineInfo', { count: 0, recordBytes: 16, bytes: Buffer.alloc(0) });
}
