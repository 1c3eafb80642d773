/** Whether a package's paragraph in debian/control mentions the variable. @see deb-src-control(5) */
export function usesDepends(control: string, name: string): boolean {
  return paragraphOf(control, name).includes('{pyclink:Depends}');
}

/**
 * Whether instances of a package for several architectures are installed side by side. dpkg compares their files and
 * takes a hard link for one that differs: "trying to overwrite shared … which is different from other instances".
 */
export function isMultiArchSame(control: string, name: string): boolean {
  return /^Multi-Arch:[ \t]*same[ \t]*$/im.test(paragraphOf(control, name));
}

function paragraphOf(control: string, name: string): string {
  const isOwn = (paragraph: string) => /^Package:[ \t]*(\S+)/im.exec(paragraph)?.[1] === name;
  return control.split(/\n\s*\n/).find(isOwn) ?? '';
}
