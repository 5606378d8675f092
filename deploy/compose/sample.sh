# A service's log: one JSON object a line, a warning and an error now and then, and a line of plain text.
trap 'exit 0' TERM INT
number=0
while :; do
    number=$((number + 1))
    level=info message="request done" cost=$((number * 37 % 180 + 5))
    [ $((number % 7)) -ne 0 ] || { level=warning message="slow answer of the database" cost=$((cost + 900)); }
    [ $((number % 31)) -ne 0 ] || { level=error message="connection refused by 10.0.3.7:5432" cost=$((cost + 3000)); }
    [ $((number % 60)) -ne 0 ] || echo "usercenter: $number requests so far" >&2
    printf '{"Date":"%s","level":"%s","message":"%s","logger":"log_output","IP":"10.0.%d.%d","Cost":%d,"Params":"{\\"user\\":%d}","Resp":"{\\"code\\":%d}"}\n' \
        "$(date '+%Y-%m-%d %H:%M:%S')" "$level" "$message" $((number % 4)) $((number % 250 + 1)) "$cost" "$number" \
        "$([ "$level" = error ] && echo 500 || echo 200)"
    touch /tmp/alive
    sleep 1
done
