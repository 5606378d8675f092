# A service's log: one JSON object a line, a warning and an error now and then, and a line of plain text.
# `run` and `number` count the starts of the container and the lines since: whoever compares finds what is missing.
#   LINES_PER_SECOND   1, or more at once
#   LINES_UNTIL_EXIT   so many, then an exit with code 3; none: for ever
trap 'exit 0' TERM INT
run=$(($(cat /tmp/run 2>/dev/null || echo 0) + 1))
echo "$run" >/tmp/run
number=0
while :; do
    number=$((number + 1))
    level=info message="request done" cost=$((number * 37 % 180 + 5))
    [ $((number % 7)) -ne 0 ] || { level=warning message="slow answer of the database" cost=$((cost + 900)); }
    [ $((number % 31)) -ne 0 ] || { level=error message="connection refused by 10.0.3.7:5432" cost=$((cost + 3000)); }
    [ $((number % 60)) -ne 0 ] || echo "usercenter: $number requests so far in run $run" >&2
    printf '{"Date":"%s","level":"%s","message":"%s","logger":"log_output","IP":"10.0.%d.%d","Cost":%d,"Params":"{\\"user\\":%d}","Resp":"{\\"code\\":%d}","run":%d,"number":%d}\n' \
        "$(date '+%Y-%m-%d %H:%M:%S')" "$level" "$message" $((number % 4)) $((number % 250 + 1)) "$cost" $((number * 7919 % 10000)) \
        "$([ "$level" = error ] && echo 500 || echo 200)" "$run" "$number"
    [ "$number" -ne "${LINES_UNTIL_EXIT:-0}" ] || exit 3
    [ $((number % ${LINES_PER_SECOND:-1})) -ne 0 ] || { touch /tmp/alive; sleep 1; }
done
