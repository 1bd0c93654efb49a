package hotrod

deny contains finding("probes", sprintf("container %s has no %s", [container.name, probe])) if {
	input.kind in serving
	some container in pod.spec.containers
	some probe in ["readinessProbe", "livenessProbe"]
	not container[probe]
}
