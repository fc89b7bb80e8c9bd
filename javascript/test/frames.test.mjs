import assert from "node:assert/strict";
import test from "node:test";
import { CfCCell } from "../index.mjs";
import { ownFrames } from "../frames.mjs";

const near = (name) => new URL(name, import.meta.url).href;

test("the frames of an error are those of the cells, outermost first", () => {
  const error = caught(() => new CfCCell({ units: 0 }));
  const frames = ownFrames(error);
  const { file, line, function: name, code } = frames.at(-1);
  assert.match(file, /\/javascript\/checks\.mjs$/);
  assert.equal(name, "refuse");
  assert.match(code, /^throw new RangeError/);
  assert.ok(error.stack.includes(`checks.mjs:${line}:`));
  assert.ok(frames.some((frame) => frame.function === "new CfCCell"));
});

test("frames of Node, of dependencies and of the harness are left out", () => {
  const others = ["node:internal/process/task_queues", near("../node_modules/other/index.mjs"), near("../service.mjs")];
  const stack = ["Error: no", ...others.map((url) => `    at f (${url}:1:2)`), `    at async ${near("../../mine.mjs")}:1:2`];
  assert.deepEqual(ownFrames({ stack: stack.join("\n") }), []);
  const [found] = ownFrames({ stack: `Error: no\n    at ${near("../../nowhere.mjs")}:3:4` });
  assert.deepEqual([found.line, found.function, found.code], [3, "(anonymous)", undefined]);
  assert.deepEqual(ownFrames({}), []);
});

test("the innermost twenty frames are kept", () => {
  const lines = Array.from({ length: 30 }, (_, i) => `    at f (${near("cells.test.mjs")}:${i + 1}:1)`);
  const found = ownFrames({ stack: lines.join("\n") });
  assert.deepEqual([found.length, found[0].line, found.at(-1).line], [20, 20, 1]);
});

function caught(call) {
  try {
    call();
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
}
