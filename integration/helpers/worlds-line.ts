import { thisRelease } from '../../test/helpers/release.ts';
import { machines, versionsIn, type World, worlds } from '../../test/helpers/worlds.ts';

/** After the tests of a run, says which systems they were run in. */
export default function worldsLine(): () => void {
  return () => {
    const all = [...Object.values(worlds), ...machines];
    const present = all.filter(({ missing }) => missing === undefined);
    const line = [`${thisRelease} (this machine)`, ...present.map(contentsOf)].join('; ');
    process.stdout.write(`worlds: ${line}\n`);
    for (const { name, missing } of all) {
      if (missing !== undefined) process.stdout.write(`worlds: tests SKIPPED: ${name} is missing: ${missing}\n`);
    }
  };
}

/** `sid: python 3.13.18 3.14.10, rpm 6.1.0` */
function contentsOf(world: World): string {
  const packages = [...world.wantedInterpreters, 'rpm', 'nodejs', 'lintian'];
  const versions = versionsIn(world, packages);
  const byTool = new Map<string, string[]>();
  for (const name of packages.filter((wanted) => versions[wanted] !== undefined)) {
    const tool = name.replace(/(3[.\d]*|js)$/, '');
    byTool.set(tool, [...(byTool.get(tool) ?? []), versions[name] ?? '']);
  }
  const tools = Array.from(byTool, ([tool, found]) => `${tool} ${found.join(' ')}`);
  return tools.length === 0 ? world.name : `${world.name}: ${tools.join(', ')}`;
}
