package hotrod

deny contains finding("host-named", "a rule has no host, so it takes every host") if {
	input.kind == "Ingress"
	some rule in object.get(input.spec, "rules", [])
	object.get(rule, "host", "") == ""
}

deny contains finding("host-named", "it has a default backend, which takes every host") if {
	input.kind == "Ingress"
	input.spec.defaultBackend
}

deny contains finding("host-named", "it names no hosts, so it takes every host of its gateway") if {
	input.kind == "HTTPRoute"
	count(object.get(input.spec, "hostnames", [])) == 0
}

deny contains finding("host-named", sprintf("the host %s has a wildcard", [host])) if {
	some host in hosts
	contains(host, "*")
}

hosts contains rule.host if {
	input.kind == "Ingress"
	some rule in input.spec.rules
}

hosts contains host if {
	input.kind == "HTTPRoute"
	some host in input.spec.hostnames
}

hosts contains host if {
	input.kind == "VirtualService"
	some host in input.spec.hosts
}
