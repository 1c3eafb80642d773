/**
 * The bcep file, which makes py3compile skip public modules: one line for each top-level package or module in
 * dist-packages, `dir|VERSION|PATH/` or `file|VERSION|PATH`.
 * @param sources installed paths of the compiled sources
 * @see `get_exclude_patterns_from_dir` in py3compile
 */
export function bcepText(sources: readonly string[], versions: readonly string[]): string {
  const tops = sources.flatMap((source) => {
    const [, directory, top, rest] = /^(\/usr\/lib\/python3[^/]*\/dist-packages\/)([^/]+)(\/.*)?$/s.exec(source) ?? [];
    if (directory === undefined || top === undefined) return [];
    return rest === undefined ? [`file|%|${directory}${top}`] : [`dir|%|${directory}${top}/`];
  });
  const minors = versions.map((version) => version.split('.').slice(0, 2).join('.'));
  const lines = [...new Set(tops)].flatMap((top) => minors.map((minor) => `${top.replace('%', minor)}\n`));
  return lines.sort().join('');
}
