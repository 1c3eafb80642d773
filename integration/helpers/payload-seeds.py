"""Makes packages of every format in a directory, each with the same pycs. Leaves out what the machine has no tool for."""
import compileall, gzip, hashlib, io, json, os, subprocess, sys, tarfile, zipfile

top = os.path.abspath(sys.argv[1])
tree = f"{top}/tree"
library = f"{tree}/usr/lib/python3/dist-packages/shop"
os.makedirs(library)
for name in ("__init__", "cart", "till"):
    with open(f"{library}/{name}.py", "w") as source:
        source.write(f'"""Docs of {name}."""\n\n\ndef pay(sum):\n    assert sum > 0\n    return [sum * {len(name)}, "{name}"]\n')
compileall.compile_dir(tree, quiet=1, optimize=[0, 1, 2], hardlink_dupes=True, stripdir=tree)


def run(*words, **options):
    try:
        subprocess.run(words, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options)
    except (OSError, subprocess.CalledProcessError):
        print("not made:", words[0], file=sys.stderr)


def write(name, content):
    os.makedirs(os.path.dirname(f"{top}/{name}"), exist_ok=True)
    with open(f"{top}/{name}", "wb") as file:
        file.write(content)


for form in ("gnu", "posix", "v7"):
    run("tar", f"--format={form}", "-cf", f"{top}/{form}.tar", "-C", tree, "usr")
for suffix in ("gz", "bz2", "xz", "zst"):
    run("tar", "-caf", f"{top}/pax.tar.{suffix}", "-C", tree, "usr")
with zipfile.ZipFile(f"{top}/shop.zip", "w", zipfile.ZIP_DEFLATED) as archive:
    for directory, _, names in os.walk(tree):
        for name in names:
            archive.write(f"{directory}/{name}", os.path.relpath(f"{directory}/{name}", tree))
write("shop.pyz", b"#!/usr/bin/python3\n" + open(f"{top}/shop.zip", "rb").read())
if os.path.exists(f"{top}/pax.tar.zst"):
    with zipfile.ZipFile(f"{top}/shop.conda", "w") as archive:
        archive.write(f"{top}/pax.tar.zst", "pkg-shop-1-0.tar.zst")
write("ipk/debian-binary", b"2.0\n")
write("ipk/data.tar.gz", open(f"{top}/pax.tar.gz", "rb").read())
run("tar", "-czf", f"{top}/shop.ipk", "-C", f"{top}/ipk", "debian-binary", "data.tar.gz")
write("gpkg/shop/gpkg-1", b"")
run("tar", "-cf", f"{top}/gpkg/shop/image.tar", "--transform=s,^,image/,", "-C", tree, "usr")
run("tar", "-cf", f"{top}/shop.gpkg.tar", "-C", f"{top}/gpkg", "shop/gpkg-1", "shop/image.tar")

blobs = {}


def blob(content):
    digest = hashlib.sha256(content).hexdigest()
    blobs[f"blobs/sha256/{digest}"] = content
    return {"digest": f"sha256:{digest}", "size": len(content)}


layers = [blob(open(f"{top}/{name}", "rb").read()) for name in ("gnu.tar", "pax.tar.gz")]
diffs = [layer["digest"] for layer in layers]
config = blob(json.dumps({"os": "linux", "rootfs": {"type": "layers", "diff_ids": diffs}}).encode())
manifest = blob(json.dumps({"config": config, "layers": layers}).encode())
blobs["index.json"] = json.dumps({"manifests": [manifest]}).encode()
with tarfile.open(f"{top}/image.tar", "w") as image:
    for name, content in {"oci-layout": b'{"imageLayoutVersion": "1.0.0"}', **blobs}.items():
        member = tarfile.TarInfo(name)
        member.size = len(content)
        image.addfile(member, io.BytesIO(content))

run("mksquashfs", tree, f"{top}/shop.squashfs", "-quiet", "-no-progress")
run("mkfs.erofs", f"{top}/shop.erofs", tree)
write("tree/DEBIAN/control", b"Package: shop\nVersion: 1\nArchitecture: all\nMaintainer: A <a@b.c>\nDescription: shop\n")
run("dpkg-deb", "--root-owner-group", "--build", tree, f"{top}/shop.deb")
spec = f"""Name: shop
Version: 1
Release: 1
Summary: shop
License: MIT
BuildArch: noarch
%description
shop
%install
cp -a {tree}/usr %{{buildroot}}
%files
/usr
"""
write("shop.spec", spec.encode())
defines = [f"_topdir {top}/rpmbuild", f"_rpmdir {top}", "_build_name_fmt shop.rpm", "__os_install_post %{nil}"]
run("rpmbuild", "-bb", *[word for text in defines for word in ("--define", text)], f"{top}/shop.spec")
