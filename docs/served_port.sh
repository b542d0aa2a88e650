# Waits until `serve` says where it listens, and prints the port.
served_port() {
    local port
    until port=$(sed -n 's/^listening on .*:\([0-9]*\);.*/\1/p' "$1") && [ -n "$port" ]; do sleep 0.05; done
    echo "$port"
}
