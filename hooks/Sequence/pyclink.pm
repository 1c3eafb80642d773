# debhelper sequence: dh $@ --with python3,pyclink
use warnings;
use strict;
use Debian::Debhelper::Dh_Lib;

# Before dh_fixperms comes after dh_python3 in both orders of --with, and where dh_python3 is not used at all.
insert_before('dh_fixperms', 'dh_pyclink');

# Behind everything that changes files.
insert_before('dh_md5sums', 'dh_pyclink_verify');

1;
