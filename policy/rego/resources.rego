package hotrod

deny contains finding("memory-bounded", sprintf("container %s has no resources.%s.memory", [container.name, part])) if {
	some container in containers
	some part in ["requests", "limits"]
	not container.resources[part].memory
}

deny contains finding("cpu-bounded", sprintf("container %s has no resources.%s.cpu", [container.name, part])) if {
	some container in containers
	some part in ["requests", "limits"]
	not container.resources[part].cpu
}
