/** Which of some things that are put in order may stay where they are, so that the fewest have to be moved. */

/**
 * @param places of each thing, in the order in which they stand now, its place in the order that is wanted
 * @returns the places of a longest rising subsequence
 */
export function staying(places: readonly number[]): ReadonlySet<number> {
  /** For each length, where in `places` a rising row of that length ends lowest. */
  const ends: number[] = [];
  /** What stands before each in its row, as an index. */
  const before: (number | undefined)[] = [];
  places.forEach((place, index) => {
    let [low, high] = [0, ends.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((places[ends[middle] as number] as number) < place) low = middle + 1;
      else high = middle;
    }
    before.push(ends[low - 1]);
    ends[low] = index;
  });
  const found = new Set<number>();
  for (let at = ends.at(-1); at !== undefined; at = before[at]) found.add(places[at] as number);
  return found;
}
