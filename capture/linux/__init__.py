"""What Linux means by its system calls, paths and sockets, whoever tells of them."""
