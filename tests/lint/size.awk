# SPDX-License-Identifier: GPL-2.0-or-later
# Lengths of files and of functions: a body runs from its opening brace to the
# closing brace in the first column. Lengths go to the file in `lengths`.
function limit_of(path) { return path ~ /^tests\// ? tests_limit : limit }

function end_of_function(  n) {
	n = FNR - start + 1
	print n > lengths
	if (n > limit_of(FILENAME))
		print FILENAME ":" start ": a function of " n " lines, limit " limit_of(FILENAME)
	start = 0
}

function end_of_file() {
	if (file ~ /\.c$/ && last > file_limit)
		print file ": " last " lines, limit " file_limit
}

FNR == 1 { end_of_file(); start = 0; file = FILENAME }
{ last = FNR }
/^\{/ { start = FNR }
/^[A-Za-z_].*\)[ \t]*\{$/ { start = FNR }
/^[A-Za-z_].*\)[ \t]*\{.*\}$/ && !/=/ { start = FNR; end_of_function() }
/^\}/ { if (start) end_of_function() }
END { end_of_file() }
