// Bundles src/*.ts into kg/web/assets/built/, with the outlines of land and all licences.
// `make assets` calls it; nothing that it writes is committed.
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = fileURLToPath(new URL(".", import.meta.url));
const out = join(here, "..", "kg", "web", "assets", "built");

rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
const result = await build({
  absWorkingDir: here,
  entryPoints: readdirSync(join(here, "src")).filter((name) => name.endsWith(".ts")).map((name) => `src/${name}`),
  outdir: out,
  bundle: true,
  format: "iife", // modules are not read from files, where static copies may lie
  target: "es2022",
  minify: true,
  charset: "utf8",
  legalComments: "none", // all licences are in licences.txt
  metafile: true,
  logLevel: "warning",
});

// Land without borders: whose border is where is what claims are about.
const atlas = join(here, "node_modules", "world-atlas");
copyFileSync(join(atlas, "land-50m.json"), join(out, "land-50m.json")); // the coarse one is in map.js

const used = new Set(["world-atlas"]);
for (const path of Object.keys(result.metafile.inputs)) {
  const found = /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path);
  if (found) used.add(found[1]);
}
const licences = [...used].sort().map((name) => {
  const folder = join(here, "node_modules", name);
  const { version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const file = ["LICENSE", "LICENSE.md", "LICENSE.txt", "license"].find((one) => existsSync(join(folder, one)));
  if (!file) throw new Error(`${name} ${version} has no licence file; it cannot be bundled`);
  return `${name} ${version} (${license})\n\n${readFileSync(join(folder, file), "utf8").trim()}\n`;
});
writeFileSync(join(out, "licences.txt"), licences.join(`\n${"-".repeat(80)}\n\n`));
