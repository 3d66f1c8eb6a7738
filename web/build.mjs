/**
 * Build the page into chalicelib/static/: index.html, one style sheet, one script, those that the script loads later, and a
 * service worker. All but the first are named after their content.
 *
 * `node build.mjs --check` fails if the files there are not those that it would write. `--watch` builds after each save,
 * until its standard input ends.
 */

import { createHash } from "node:crypto";
import { watch } from "node:fs";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as esbuild from "esbuild";
import { rolldown } from "rolldown";

const PAGE = join(import.meta.dirname, "page");
const CLIENT = join(import.meta.dirname, "client/src");
const TARGET = join(import.meta.dirname, "../chalicelib/static");

/** The browsers of the last three years: what "Baseline widely available" means. */
const BROWSERS = ["chrome115", "firefox115", "safari16.4"];

/** Return the files of the page by name. */
async function build() {
  const [scripts, style] = await Promise.all([buildScripts(), buildStyle()]);
  const icon = await readFile(join(PAGE, "icon.svg"), "utf-8");
  const page = await readFile(join(PAGE, "index.html"), "utf-8");
  const styleName = `style-${createHash("sha256").update(style).digest("hex").slice(0, 8)}.css`;
  const nameOf = (/** @type {string} */ script) => scripts.find(({ name }) => name === script)?.fileName;
  return {
    ...Object.fromEntries(scripts.map(({ fileName, code }) => [fileName, code])),
    [styleName]: style,
    "index.html": page
      .replaceAll('"icon.svg"', `"data:image/svg+xml,${encodeURIComponent(icon.trim())}"`)
      .replace('"style.css"', `"static/${styleName}"`)
      .replace('"src/main.ts"', `"static/${nameOf("page")}"`)
      .replace('"src/visit.ts"', `"static/${nameOf("visit")}"`)
      .replace('"src/notification-worker.ts"', `"static/${nameOf("notification-worker")}"`),
  };
}

/** Bundle the scripts: what several files need is in the one that is loaded first, so that no file waits for two others. */
async function buildScripts() {
  const bundle = await rolldown({
    cwd: PAGE,
    input: { page: "src/main.ts", "notification-worker": "src/notification-worker.ts" },
    tsconfig: join(PAGE, "tsconfig.json"),
    transform: { target: BROWSERS },
  });
  const { output } = await bundle.generate({
    entryFileNames: "[name]-[hash].js",
    chunkFileNames: "[name]-[hash].js",
    hashCharacters: "hex",
    comments: false,
    minify: true,
  });
  await bundle.close();
  return output.filter((file) => file.type === "chunk");
}

async function buildStyle() {
  const { outputFiles } = await esbuild.build({
    absWorkingDir: PAGE,
    entryPoints: ["style.css"],
    bundle: true,
    minify: true,
    target: BROWSERS,
    write: false,
    logLevel: "warning",
  });
  return outputFiles[0]?.text ?? "";
}

async function write(/** @type {Record<string, string>} */ built) {
  await mkdir(TARGET, { recursive: true });
  for (const [name, text] of Object.entries(built)) {
    const path = join(TARGET, name);
    // A file that is written wakes up whoever watches the folder.
    if ((await readFile(path, "utf-8").catch(() => null)) !== text) await writeFile(path, text);
  }
  for (const name of await readdir(TARGET)) if (!(name in built)) await rm(join(TARGET, name));
}

async function check(/** @type {Record<string, string>} */ built) {
  const present = (await readdir(TARGET)).sort();
  const texts = await Promise.all(present.map((name) => readFile(join(TARGET, name), "utf-8")));
  const isSame = present.join() === Object.keys(built).sort().join();
  if (isSame && present.every((name, index) => built[name] === texts[index])) return;
  console.error("chalicelib/static/ is not what web/page/ builds: run `make page`, and commit the result");
  process.exitCode = 1;
}

let isBuilding = false;
let isStale = false;

/** Build after a change. Of those that come during a build, one more follows. */
async function rebuild() {
  isStale = true;
  if (isBuilding) return;
  isBuilding = true;
  while (isStale) {
    isStale = false;
    await build().then(write, (error) => console.error(error.message));
  }
  isBuilding = false;
}

if (process.argv.includes("--watch")) {
  for (const folder of [PAGE, CLIENT]) watch(folder, { recursive: true }, rebuild);
  await rebuild();
  // `make run` closes the pipe when it ends.
  process.stdin.on("end", () => process.exit()).resume();
} else {
  await (process.argv.includes("--check") ? check : write)(await build());
}
