import { assemble, callHelper, exit, instructionBytes, mov, movImm, op, pseudo } from './assembler';
import { passedBy, proceededNow } from '../chain/counters';
import { moveFields } from '../load/content';
import { verdictAt } from './counters-layout';
import { callingGlue, passProgram, type GluePlan } from './glue';
import { decode, shapeOf } from './instructions';
import { contextSlot, moveRecords, placeCalling, placeEpilogue } from './place';
import { chainLayout } from './slots';
import { samplerProgram } from './timer-glue';

const plan: GluePlan = {
  hook: 'xdp',
  index: 1,
  last: false,
  proceedOn: [2],
  programs: 11,
  counters: 12,
  control: 13,
  tcx: false,
  timed: false,
  laneFrom: 0,
};
const kf = assemble([mov(6, 1), { code: op.storeImm32, dst: 10, off: -12 }, movImm(0, 2), exit]);
const withSubprogram = assemble([
  { code: op.call, src: pseudo.call, imm: 2 },
  { code: op.jumpEqual, dst: 0, imm: 0, to: 'out' },
  exit,
  { label: 'out' },
  movImm(0, 1),
  exit,
]);

describe('glue', () => {
  test('the calling glue calls what follows it, with the context in r1', () => {
    const glue = callingGlue(plan);
    const [save, call] = [...decode(glue)];
    expect(save).toMatchObject({ code: op.mov64, dst: 6, src: 1 });
    expect(call?.index! + call?.imm! + 1).toBe(glue.length / instructionBytes);
  });
  test('every jump of every form stays inside, and code ends with an exit or a jump', () => {
    for (const hook of ['xdp', 'tc-ingress'] as const) {
      for (const last of [true, false]) {
        for (const proceedOn of [[], [2], [0, 3, -1]]) {
          for (const timed of [true, false]) {
            const glue = callingGlue({ ...plan, hook, last, proceedOn, timed, tcx: hook !== 'xdp' });
            const count = glue.length / instructionBytes;
            const isJump = (code: number): boolean =>
              [0x05, 0x06].includes(code & 7) && ![op.call, op.exit].includes(code as 0x85);
            for (const one of decode(glue)) {
              if (isJump(one.code)) expect(one.index + one.off + 1).toBeLessThan(count);
            }
            expect([...decode(glue)].at(-1)?.code).toBe(op.exit);
          }
        }
      }
    }
  });
  test('a KF in place has its exits turned into jumps to the epilogue, and its context below its own stack', () => {
    const shape = shapeOf(kf);
    expect(shape).toMatchObject({ entryLength: 4, exits: [3], stackLow: -12, ownTailCalls: 0 });
    expect(contextSlot(shape)).toBe(-24);
    const placed = placeEpilogue(kf, shape, plan);
    const all = [...decode(placed?.instructions ?? Buffer.alloc(0))];
    expect(all[0]).toMatchObject({ code: op.store64, dst: 10, src: 1, off: -24 });
    expect(all[4]).toMatchObject({ code: op.jump, off: 0 });
    expect(placed?.moved(3)).toBe(4);
  });
  test('the timer in place keeps its readings below the context, and moves the KF further', () => {
    const timed = { ...plan, timed: true };
    const placed = placeEpilogue(kf, shapeOf(kf), timed);
    const stores = [...decode(placed?.instructions ?? Buffer.alloc(0))].filter(
      (one) => one.code === op.store64,
    );
    expect(stores.slice(0, 3).map(({ off }) => off)).toEqual([-24, -32, -40]);
    expect(placed?.moved(0)).toBe(6);
    const deep = assemble([{ code: op.storeImm32, dst: 10, off: -500 }, movImm(0, 2), exit]);
    expect(placeEpilogue(deep, shapeOf(deep), plan)).toBeDefined();
    expect(placeEpilogue(deep, shapeOf(deep), timed)).toBeUndefined();
  });
  test('the sampler enters one of two lanes', () => {
    const calls = [...decode(samplerProgram({ hook: 'xdp', programs: 11, timedFrom: 5 }))];
    const slots = calls.filter((one) => one.code === op.mov64Imm && one.dst === 3).map(({ imm }) => imm);
    expect(slots).toEqual([5, 0]);
    expect(calls.at(-2)).toMatchObject({ code: op.mov64Imm, dst: 0, imm: 2 });
  });
  test('calls that cross the epilogue are stretched', () => {
    const shape = shapeOf(withSubprogram);
    expect(shape).toMatchObject({ entryLength: 3, subprogramStarts: [3] });
    const placed = placeEpilogue(withSubprogram, shape, plan);
    const call = [...decode(placed?.instructions ?? Buffer.alloc(0))].find(
      (one) => one.code === op.call && one.src === pseudo.call,
    );
    expect(call!.index + call!.imm + 1).toBe(placed?.moved(3));
  });
  test('KFs that leave by themselves are never put in place', () => {
    const own = assemble([callHelper(12), movImm(0, 2), exit]);
    expect(placeEpilogue(own, shapeOf(own), plan)).toBeUndefined();
    const legacyLoad = assemble([{ code: 0x30, imm: 14 }, movImm(0, 2), exit]);
    expect(placeEpilogue(legacyLoad, shapeOf(legacyLoad), plan)).toBeUndefined();
    const deep = assemble([{ code: op.storeImm32, dst: 10, off: -508 }, movImm(0, 2), exit]);
    expect(placeEpilogue(deep, shapeOf(deep), plan)).toBeUndefined();
  });
  test('records move with the code; the calling glue gets one of its own', () => {
    const bytes = Buffer.alloc(16);
    bytes.writeUInt32LE(7, 4);
    bytes.writeUInt32LE(3, 8);
    bytes.writeUInt32LE(9, 12);
    const words = (buffer: Buffer): number[] =>
      Array.from({ length: buffer.length / 4 }, (_, at) => buffer.readUInt32LE(at * 4));
    const records = { count: 2, recordBytes: 8, bytes };
    const calling = placeCalling(withSubprogram, plan);
    const glue = callingGlue(plan).length / instructionBytes;
    expect(words(moveRecords(records, calling).bytes)).toEqual([0, 7, glue, 7, glue + 3, 9]);
    const inPlace = placeEpilogue(withSubprogram, shapeOf(withSubprogram), plan)!;
    expect(words(moveRecords(records, inPlace).bytes)).toEqual([0, 7, inPlace.moved(3), 9]);
  });
  test('an empty chain passes, and lets others on a TC hook run', () => {
    expect([...decode(passProgram('xdp'))][0]).toMatchObject({ imm: 2 });
    expect([...decode(passProgram('tc-egress'))][0]).toMatchObject({ imm: -1 });
  });
});

describe('layout and counts', () => {
  test('a switched-off KF is skipped by putting its successor in its slot', () => {
    expect(chainLayout([true, false, true])).toEqual({
      head: 0,
      slots: [0, 2, 2],
      ends: [false, false, true],
    });
    expect(chainLayout([false, true, false])).toEqual({
      head: 1,
      slots: [1, 1, undefined],
      ends: [false, true, true],
    });
    expect(chainLayout([false])).toEqual({ head: undefined, slots: [undefined], ends: [true] });
    expect(chainLayout([])).toEqual({ head: undefined, slots: [], ends: [] });
  });
  const counts = (drop: bigint, end = 0n, broken = 0n): bigint[] => {
    const fields = new Array<bigint>(20).fill(0n);
    [fields[1], fields[16], fields[17]] = [drop, end, broken];
    fields[18] = 1_000_000n;
    return fields;
  };
  test('what proceeded is the sum of what left later; time is no packet', () => {
    expect(passedBy([counts(5n), counts(3n), counts(0n, 10n)])).toEqual([13n, 10n, 10n]);
  });
  test('packets that skipped a switched-off KF are not its own', () => {
    const accounts = [
      { kept: 0n, rawThen: 0n },
      { kept: 7n, rawThen: 9n },
    ];
    expect(proceededNow([20n, 12n], accounts, [true, true])).toEqual([20n, 10n]);
    expect(proceededNow([20n, 12n], accounts, [true, false])).toEqual([20n, 7n]);
  });
  test('verdicts are named as people write them', () => {
    expect([
      verdictAt('xdp', 1),
      verdictAt('tc-ingress', 0),
      verdictAt('tc-egress', 3),
      verdictAt('xdp', 15),
    ]).toEqual(['DROP', 'UNSPEC', 'SHOT', 'OTHER']);
  });
  test('fields are moved, widened with their sign, and defaulted', () => {
    const fields = [{ fromOffset: 0, fromBytes: 2, toOffset: 0, toBytes: 4, signed: true }];
    const moved = moveFields(Buffer.from([0xfe, 0xff]), {
      from: 2,
      to: 6,
      fields,
      defaults: Buffer.from([9, 9, 9, 9, 8, 7]),
    });
    expect([...moved]).toEqual([0xfe, 0xff, 0xff, 0xff, 8, 7]);
  });
});
