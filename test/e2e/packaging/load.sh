# Runs inside the container until /tmp/load/stop is there: asks the core again and again at the hub, and puts the
# notifications of /packages/notifications into the site's spool, one with each question and the rest at the end. What
# must not be is in /tmp/load/wrong.
spool=$1
work=/tmp/load
mkdir -p $work
files=(/packages/notifications/*)
next=0
notify() {
	[ $next -lt ${#files[@]} ] || return
	name=${files[$next]##*/}
	cp "${files[$next]}" "$spool/.$name.new" && mv "$spool/.$name.new" "$spool/$name"
	next=$((next + 1))
}
while [ ! -e $work/stop ]; do
	notify
	answer=
	if { exec 3<>/dev/tcp/127.64.0.1/6557; } 2>/dev/null; then
		printf 'GET status\nColumns: program_version program_start\nResponseHeader: fixed16\n\n' >&3
		answer=$(timeout 20 cat <&3 2>/dev/null)
		exec 3>&- 3<&-
	fi
	# a line break at the end is not in $answer
	body=${answer#*$'\n'}
	length=$(printf '%s' "${answer%%$'\n'*}" | cut -c4- | tr -d ' ')
	case $answer in
	'') echo "$(date +%T) nobody" >>$work/seen ;;
	'200 '* | '502 '*)
		missing=$((length - ${#body}))
		if [ $missing -ge 0 ] && [ $missing -le 1 ]; then echo "$(date +%T) ${answer%% *}" >>$work/seen; else echo "$answer" >>$work/wrong; fi
		;;
	*) echo "$answer" >>$work/wrong ;;
	esac
done
while notify; do :; done
touch $work/ended
