/**
 * Build the page into chalicelib/static/: index.html, one style sheet, one script, and those that the script loads later. All
 * are named after their content.
 *
 * `node build.mjs --check` fails if the files there are not those that it would write. `--watch` builds after each save,
 * until its standard input ends.
 */

import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import * as esbuild from "esbuild";
import { minify } from "terser";
import terser from "terser/package.json" with { type: "json" };

const PAGE = join(import.meta.dirname, "page");
const TARGET = join(import.meta.dirname, "../chalicelib/static");

/**
 * The files that the script loads later, and that have modules in common with it. They import it: otherwise the build would put
 * these modules into another file, which the page would have to request before it shows anything.
 */
const LATER = /src.(?:dialogues|markup-view|oauth)\.ts$/;

/** @type {esbuild.Plugin} */
const importPage = {
  name: "import-page",
  setup(build) {
    build.onLoad({ filter: LATER }, async ({ path }) => ({
      contents: `${await readFile(path, "utf-8")}import "./main.js";`,
      loader: "ts",
    }));
  },
};

/** @type {esbuild.BuildOptions} */
const OPTIONS = {
  absWorkingDir: PAGE,
  entryPoints: { page: "src/main.ts", style: "style.css" },
  entryNames: "[name]-[hash]",
  chunkNames: "[name]-[hash]",
  splitting: true,
  outdir: TARGET,
  write: false,
  bundle: true,
  minify: true,
  format: "esm",
  // The browsers of the last three years: what "Baseline widely available" means.
  target: ["chrome115", "firefox115", "safari16.4"],
  tsconfig: "tsconfig.json",
  // The hashes depend on the paths of the modules: they must not depend on where a link of node_modules leads to.
  preserveSymlinks: true,
  // They do not depend on what Terser does afterwards: a new version of it needs new names. Terser removes the comment.
  banner: { js: `// Terser ${terser.version}` },
  plugins: [importPage],
  logLevel: "warning",
};

/** Return the files of the page by name. */
async function files(/** @type {esbuild.BuildResult} */ result) {
  /** @type {Record<string, string>} */
  const built = Object.fromEntries((result.outputFiles ?? []).map(({ path, text }) => [basename(path), text]));
  usePageItself(built);
  for (const [name, text] of Object.entries(built)) {
    // Terser finds three percent that esbuild leaves.
    if (name.endsWith(".js")) built[name] = (await minify(text, { module: true })).code ?? text;
  }
  const names = Object.keys(built);
  const nameOf = (/** @type {string} */ start) => names.find((name) => name.startsWith(start));
  const icon = await readFile(join(PAGE, "icon.svg"), "utf-8");
  const page = await readFile(join(PAGE, "index.html"), "utf-8");
  built["index.html"] = page
    .replaceAll('"icon.svg"', `"data:image/svg+xml,${encodeURIComponent(icon.trim())}"`)
    .replace('"style.css"', `"static/${nameOf("style-")}"`)
    .replace('"src/main.ts"', `"static/${nameOf("page-")}"`);
  return built;
}

/** Replace the entry point, which only imports the page's modules, with the file that they are in. */
function usePageItself(/** @type {Record<string, string>} */ built) {
  const [entry = ""] = Object.keys(built).filter((name) => /^page-.*\.js$/.test(name));
  const [, shared, hash] = built[entry]?.match(/^(?:\/\/.*\n)?import"\.\/(chunk-(\w+\.js))";\s*$/) ?? [];
  if (!shared) throw new Error("expected a page that has all its modules in common with the files that it loads later");
  delete built[entry];
  for (const [name, text] of Object.entries(built)) built[name] = text.replaceAll(shared, `page-${hash}`);
  built[`page-${hash}`] = built[shared] ?? "";
  delete built[shared];
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

if (process.argv.includes("--watch")) {
  const plugin = {
    name: "write",
    setup(/** @type {esbuild.PluginBuild} */ build) {
      build.onEnd(async (result) => {
        if (result.errors.length === 0) await write(await files(result));
      });
    },
  };
  const context = await esbuild.context({ ...OPTIONS, plugins: [importPage, plugin] });
  await context.watch();
  // `make run` closes the pipe when it ends. Without stop(), the process of esbuild 0.28.2 sometimes outlives this one.
  process.stdin
    .on("end", async () => {
      await esbuild.stop();
      process.exit();
    })
    .resume();
} else {
  const built = await files(await esbuild.build(OPTIONS));
  await (process.argv.includes("--check") ? check(built) : write(built));
}
