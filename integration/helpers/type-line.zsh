# Types a line into an interactive shell in a terminal, and prints what the shell then called pyclink with.
# usage: zsh -f drive.zsh SETUP LINE SHELL ARGS…
zmodload zsh/zpty
setup=$1 line=$2
shift 2
zpty -b shell "${(j: :)${(q)@}}"
zpty -w shell "pyclink() { printf 'called:%s\n' \"\$*\"; }; $setup; echo ready''"
zpty -r shell output $'*ready\r\n*'
zpty -w shell $line
zpty -r shell output $'*called:*\r\n'
print -r -- ${${output##*called:}%%$'\r'*}
