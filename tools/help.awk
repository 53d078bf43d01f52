# help.awk - prints the targets of a Makefile that carry a `## text`, in colour when tty is set.
BEGIN {
	FS = ":.*## "
	bold = tty ? "\033[1m" : ""
	plain = tty ? "\033[0m" : ""
	print "make TARGET, where TARGET is"
}
/^[a-z][a-z0-9-]*:.*## / { printf "  %s%-14s%s %s\n", bold, $1, plain, $2 }
