/** A column has few values or as many as rows: what does not fit is made again. */
const MOST_RESULTS = 1000;

/** A pure function that keeps its results, for columns in which the same values come again and again. */
export function remembered<Value, Made extends string | number>(make: (value: Value) => Made): (value: Value) => Made {
  const known = new Map<Value, Made>();
  return (value) => {
    const before = known.get(value);
    if (before !== undefined) return before;
    const made = make(value);
    if (known.size === MOST_RESULTS) known.clear();
    known.set(value, made);
    return made;
  };
}
