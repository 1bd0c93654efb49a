package hotrod

# Tags that are moved on purpose. `18` of `postgres:18` moves, too, but stays compatible.
moving_tag := `:(latest|stable|edge|nightly|canary|main|master|develop|dev|head|prod|production|staging)$`

deny contains finding("image-pinned", sprintf("container %s has the image %s, which names no fixed version", [container.name, container.image])) if {
	some container in containers
	not pinned(container.image)
}

pinned(image) if regex.match(`@sha256:[0-9a-f]{64}$`, image)

pinned(image) if {
	# The tag comes after the last slash: a registry may have a port.
	regex.match(`^([^@/]+/)*[^@/:]+:[A-Za-z0-9_][A-Za-z0-9_.-]*$`, image)
	not regex.match(moving_tag, image)
}
