import { nactCells } from '../../src/runtime/cell.ts';
import { cellSuite } from '../ports/cell.suite.ts';

let systems = 0;

cellSuite('nact', () => {
  const cells = nactCells(`cell-test-${systems++}`);
  let wanted = 0;
  return {
    cells: (name, play, crashed) => {
      const counted = (): boolean => {
        wanted++;
        return play();
      };
      return cells(name, counted, crashed);
    },
    // Quiet is when some turns of the loop in a row saw no play.
    settle: async () => {
      for (let quiet = 0, before = -1; quiet < 10; ) {
        await new Promise((resolve) => setImmediate(resolve));
        quiet = wanted === before ? quiet + 1 : 0;
        before = wanted;
      }
    },
    io: (then) => {
      setImmediate(then);
    },
  };
});
