/** How the program array and the head of a chain look, given which KFs are switched on. Pure. */
export interface ChainLayout {
  /** The KF that the hook runs first; undefined: none, the pass program. */
  head: number | undefined;
  /** For each KF's slot the KF whose program is in it; undefined: the slot is empty. */
  slots: (number | undefined)[];
  /** For each KF: nothing after it is on, so that a fall-through after it is the chain's end. */
  ends: boolean[];
}

export function chainLayout(enabled: readonly boolean[]): ChainLayout {
  const nextOn = (from: number): number | undefined => {
    const index = enabled.indexOf(true, from);
    return index < 0 ? undefined : index;
  };
  return {
    head: nextOn(0),
    slots: enabled.map((_, index) => nextOn(index)),
    ends: enabled.map((_, index) => nextOn(index + 1) === undefined),
  };
}
