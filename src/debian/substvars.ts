/** Whether a package's paragraph in debian/control mentions `${pyclink:Depends}`. @see deb-src-control(5) */
export function usesDepends(control: string, name: string): boolean {
  const isOwn = (paragraph: string) => /^Package:[ \t]*(\S+)/im.exec(paragraph)?.[1] === name;
  return control.split(/\n\s*\n/).some((paragraph) => isOwn(paragraph) && paragraph.includes('{pyclink:Depends}'));
}

/** Sets a variable in the text of a substvars file. @see deb-substvars(5) */
export function withSubstvar(substvars: string, name: string, value: string): string {
  const others = substvars.split('\n').filter((line) => line !== '' && !line.startsWith(`${name}=`));
  return [...others, `${name}=${value}`, ''].join('\n');
}

/** The dependency on the python3 versions of the pycs, for any architecture as in dh_python3. */
export function dependsText(versions: readonly string[]): string {
  const minors = versions.map((version) => Number(version.split('.')[1])).sort((a, b) => a - b);
  const [first, last] = [minors[0], minors.at(-1)];
  return first === undefined || last === undefined ? '' : `python3:any (>= 3.${first}), python3:any (<< 3.${last + 1})`;
}
