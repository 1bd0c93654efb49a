package hotrod

deny contains finding("non-root", sprintf("container %s does not say runAsNonRoot: true", [container.name])) if {
	some container in containers
	security(container, "runAsNonRoot") != true
}

deny contains finding("non-root", sprintf("container %s runs as user 0", [container.name])) if {
	some container in containers
	security(container, "runAsUser") == 0
}

deny contains finding("read-only-root", sprintf("container %s can write to its root file system", [container.name])) if {
	some container in containers
	object.get(container, ["securityContext", "readOnlyRootFilesystem"], false) != true
}

deny contains finding("capabilities", sprintf("container %s does not drop ALL", [container.name])) if {
	some container in containers
	not "ALL" in object.get(container, ["securityContext", "capabilities", "drop"], [])
}

deny contains finding("capabilities", sprintf("container %s adds %s", [container.name, added])) if {
	some container in containers
	some added in object.get(container, ["securityContext", "capabilities", "add"], [])
	added != "NET_BIND_SERVICE"
}

deny contains finding("privilege", sprintf("container %s does not say allowPrivilegeEscalation: false", [container.name])) if {
	some container in containers
	object.get(container, ["securityContext", "allowPrivilegeEscalation"], true) != false
}

deny contains finding("privilege", sprintf("container %s is privileged", [container.name])) if {
	some container in containers
	container.securityContext.privileged == true
}

deny contains finding("privilege", sprintf("container %s takes a port of the node", [container.name])) if {
	some container in containers
	some port in object.get(container, "ports", [])
	object.get(port, "hostPort", 0) != 0
}

deny contains finding("privilege", sprintf("it says %s: true", [field])) if {
	some field in ["hostNetwork", "hostPID", "hostIPC"]
	pod.spec[field] == true
}

deny contains finding("privilege", sprintf("the volume %s is a directory of the node", [volume.name])) if {
	some volume in object.get(pod.spec, "volumes", [])
	volume.hostPath
}

deny contains finding("seccomp", sprintf("container %s has no seccomp profile", [container.name])) if {
	some container in containers
	not sandboxed(container)
}

sandboxed(container) if security(container, "seccompProfile").type in {"RuntimeDefault", "Localhost"}

deny contains finding("no-token", "it does not say automountServiceAccountToken: false") if {
	object.get(pod.spec, "automountServiceAccountToken", true) != false
}

deny contains finding("no-token", sprintf("the volume %s holds a token, and no annotation policy.hotrod/api-access says what for", [volume.name])) if {
	some volume in object.get(pod.spec, "volumes", [])
	some source in volume.projected.sources
	source.serviceAccountToken
	object.get(pod.metadata, ["annotations", "policy.hotrod/api-access"], "") == ""
}
