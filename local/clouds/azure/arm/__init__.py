"""What all of Azure Resource Manager shares: ids, resources, routes, roles and long operations."""
