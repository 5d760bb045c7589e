"""Ways in and out: the control socket and MQTT. Commands become requests on the bus."""
