package hotrod

deny contains finding("owner", "it has no label owner") if {
	pod
	object.get(input, ["metadata", "labels", "owner"], "") == ""
}

deny contains finding("owner", "its pods have no label owner") if {
	input.kind != "Pod"
	object.get(pod.metadata, ["labels", "owner"], "") == ""
}
